// A certificate for localhost, which the load generator trusts and nobody else.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { here } from './paths.mjs'

const config = `[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost
basicConstraints = critical,CA:FALSE
`

/** The files of certificate and key; made when they are not there. */
export function certificate(folder = join(here, 'raw/tls')) {
  const [cert, key, settings] = ['cert.pem', 'key.pem', 'openssl.cnf'].map((file) => join(folder, file))
  if (existsSync(cert) && existsSync(key)) return { cert, key }
  mkdirSync(folder, { recursive: true })
  writeFileSync(settings, config)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-config', settings], { stdio: 'pipe' })
  return { cert, key }
}
