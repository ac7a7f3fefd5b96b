// What the machine must offer, and what it is (never its name).
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { findPostgres } from './databases.mjs'
import { here } from './paths.mjs'

/** Throws unless anything can be measured here; returns the cores to pin to, and what else there is. */
export function checkMachine({ cores }) {
  if (process.platform !== 'linux') throw new Error('Linux is needed: CPU time and memory come from /proc')
  if (output('taskset', '--version') === undefined) {
    throw new Error('taskset is missing: it pins server and load to cores (Debian: apt install util-linux)')
  }
  const allowed = allowedCores()
  if (allowed.length < 2) {
    throw new Error('two cores are needed, one for the server and one for the load')
  }
  const [server, load] = cores ?? [allowed.at(-1), allowed.at(-2)]
  for (const core of [server, load]) {
    if (!allowed.includes(core)) throw new Error(`core ${core} may not be used here (${allowed.join(', ')} may)`)
  }
  return {
    server,
    load,
    // A second core for the server; where there is none it shares that of the load.
    second: allowed.findLast((core) => core !== server && core !== load) ?? load,
    files: openFiles(),
    mib: availableMib(),
    openssl: output('openssl', 'version') !== undefined,
    valgrind: output('valgrind', '--version') !== undefined,
    postgres: findPostgres(),
  }
}

/** One line about the machine. */
export function describeMachine() {
  const cpus = os.cpus()
  const tools = [`Node ${process.version.slice(1)}`, output('rustc', '--version')?.replace(/ \(.*/, '')]
  return [
    `${cpus.length} cores`,
    cpus[0]?.model.trim() ?? 'unknown CPU',
    `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    `Linux ${os.release().match(/^\d+\.\d+/)}`,
    ...tools.filter(Boolean),
  ].join(', ')
}

/** The commit, with a plus sign if files differ from it. */
export function sourceVersion() {
  const commit = output('git', '-C', here, 'rev-parse', '--short', 'HEAD')
  const changed = output('git', '-C', here, 'status', '--porcelain', '--untracked-files=no')
  return commit && commit + (changed ? '+' : '')
}

function allowedCores() {
  const [, list] = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

// Node has raised its own limit as far as it may, and what it starts inherits that.
function openFiles() {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return soft === 'unlimited' ? Infinity : Number(soft)
}

function availableMib() {
  const [, kib] = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))
  return Math.floor(Number(kib) / 1024)
}

function output(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
