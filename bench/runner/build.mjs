// Builds the load generator, the servers that are to be measured, and what draws the plots.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadgen, plots, root, targetOf } from './paths.mjs'

export function build({ build, plots: draws }, servers) {
  if (build) {
    const tools = [{ cargo: 'bench/loadgen' }, ...(draws ? [{ cargo: 'bench/plots' }] : [])]
    const wanted = [...tools, ...servers.map((server) => server.build).filter(Boolean)]
    for (const text of new Set(wanted.map((one) => JSON.stringify(one)))) {
      const one = JSON.parse(text)
      if (one.cargo) cargo(one)
      else npm(one.npm)
    }
  }
  const programs = servers.map((server) => server.command('0', {})[0]).filter((path) => path.includes('/'))
  const paths = [loadgen, ...(draws ? [plots] : []), ...programs.map((path) => (path.startsWith('/') ? path : join(root, path)))]
  for (const path of paths) {
    if (!existsSync(path)) throw new Error(`${path} is not there (--no-build was given?)`)
  }
}

function cargo({ cargo: folder, package: name }) {
  const args = ['build', '--release', '--locked', '--target-dir', targetOf(folder), ...(name ? ['-p', name] : [])]
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
