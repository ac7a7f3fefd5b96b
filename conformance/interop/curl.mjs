// The lines of a document that call curl, run as they stand there, but for the address and the secrets.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** All lines of a document (a path from the root of the project) that begin with `curl`. */
export async function curlLines(document) {
  const text = await readFile(fileURLToPath(new URL(`../../${document}`, import.meta.url)), 'utf8')
  return text.split('\n').filter((line) => line.startsWith('curl '))
}

/**
 * Runs a line against a server: the status of the answer, and its body as text. `secrets` says what stands for what is
 * left out. An answer that does not end is read for `seconds`.
 */
export async function curl(line, server, { secrets = {}, seconds = 20 } = {}) {
  let command = line.replaceAll('localhost:3030', server.url)
  for (const [mark, secret] of Object.entries(secrets)) command = command.replaceAll(mark, secret)
  const told = String.raw`-sS -w '\n%{http_code}' --max-time ${seconds}`
  const { stdout } = await run('sh', ['-c', `${command} ${told}`]).catch((error) => {
    // 28: the time is over.
    if (error.code === 28) return error
    throw new Error(`${line}\n${error.stderr}`)
  })
  const end = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
}
