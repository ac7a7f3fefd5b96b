// Builds the load generator and the servers that are to be measured.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { here } from './options.mjs'

/** The project's root; servers are started in it. */
export const root = dirname(here)

export const loadgen = join(here, 'loadgen/target/release/loadgen')

export function build({ build, servers }) {
  if (build) {
    cargo({ cargo: 'bench/loadgen' })
    const wanted = servers.map((server) => server.build).filter(Boolean)
    for (const text of new Set(wanted.map((one) => JSON.stringify(one)))) {
      const one = JSON.parse(text)
      if (one.cargo) cargo(one)
      else npm(one.npm)
    }
  }
  const programs = servers.map((server) => server.command('0')[0]).filter((path) => path.includes('/'))
  for (const program of [loadgen, ...programs.map((path) => join(path.startsWith('/') ? '' : root, path))]) {
    if (!existsSync(program)) throw new Error(`${program} is not there (--no-build was given?)`)
  }
}

function cargo({ cargo: folder, package: name }) {
  const target = join(root, folder, 'target')
  const args = ['build', '--release', '--locked', '--target-dir', target, ...(name ? ['-p', name] : [])]
  run('cargo', args, folder)
}

function npm(folder) {
  run('npm', ['ci', '--no-audit', '--no-fund'], folder)
}

function run(command, args, folder) {
  console.log(`${folder}: ${command} ${args[0]}`)
  const { error, status } = spawnSync(command, args, { cwd: join(root, folder), stdio: 'inherit' })
  if (error?.code === 'ENOENT') throw new Error(`${command} is missing`)
  if (error ?? status !== 0) throw new Error(`${command} ${args[0]} failed in ${folder}`)
}
