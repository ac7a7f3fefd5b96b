// Builds the load generator, the servers that are to be measured, and what draws the plots.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadgen, plots, program, root, targetOf } from './paths.mjs'

const tools = {
  loadgen: { build: { cargo: 'bench/loadgen' }, command: () => [loadgen] },
  plots: { build: { cargo: 'bench/plots' }, command: () => [plots] },
  filler: { build: { cargo: '.', package: 'bench', bin: 'bench-data', features: 'data' }, command: () => [program('.', 'bench-data')] },
}

/** Builds them, unless that is not wanted, and throws unless all is there. */
export function build({ build, plots: draws }, servers) {
  make(build, [tools.loadgen, ...(draws ? [tools.plots] : []), ...servers])
}

/** Who fills the databases of scenarios, though it may not be measured itself. */
export function fillers(scenarios) {
  return scenarios.some(({ store }) => store === 'sqlite') ? [tools.filler] : []
}

/** Those of `peers` that can be built; the others have no part in it, each with a line that says why. */
export function buildable({ build }, peers) {
  return peers.filter((peer) => {
    try {
      make(build, [peer])
      return true
    } catch (error) {
      console.log(`LEFT OUT: ${peer.name}: ${error.message}`)
      return false
    }
  })
}

function make(build, parts) {
  for (const text of new Set(build ? parts.flatMap((part) => (part.build ? [JSON.stringify(part.build)] : [])) : [])) {
    const one = JSON.parse(text)
    if (one.cargo) cargo(one)
    else npm(one.npm)
  }
  for (const path of parts.map((part) => part.command('0', {})[0]).filter((path) => path.includes('/'))) {
    if (!existsSync(resolve(root, path))) throw new Error(`${path} is not there (--no-build was given?)`)
  }
}

function cargo({ cargo: folder, package: name, bin, features }) {
  const args = ['build', '--release', '--locked', '--target-dir', targetOf(folder), ...(name ? ['-p', name] : [])]
  if (bin) args.push('--bin', bin, '--features', features)
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
