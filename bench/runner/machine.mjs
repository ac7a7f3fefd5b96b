// What the machine must offer, and what it is (never its name).
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { here } from './options.mjs'

/** Throws unless the measurement is possible; returns the cores to pin to. */
export function checkMachine({ cores, scenarios }) {
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
  // Node has raised its own limit as far as it may, and what it starts inherits that.
  const files = openFiles()
  const most = Math.max(...scenarios.map((s) => s.files)) + 100
  if (files < most) {
    const names = scenarios.filter((s) => s.files + 100 > files).map((s) => s.name)
    throw new Error(
      `${files} open files are allowed, ${most} are needed: raise the hard limit (ulimit -Hn ${most}), ` +
        `or leave out ${names.join(', ')} with --only`,
    )
  }
  return { server, load }
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

function openFiles() {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return soft === 'unlimited' ? Infinity : Number(soft)
}

function output(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
