// Draws the plots: what `charts.mjs` says goes to the program in `bench/plots`.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { charts } from './charts.mjs'
import { plots } from './paths.mjs'
import { measuredScenarios } from './report.mjs'

/** Writes one SVG a chart into a folder `plots` beside the document; returns their titles and paths from there. */
export function draw(meta, runs, out) {
  const drawn = charts(meta, runs, measuredScenarios(meta))
  const folder = join(dirname(out), 'plots')
  mkdirSync(folder, { recursive: true })
  const { error, status, stderr } = spawnSync(plots, [folder], { input: JSON.stringify(drawn), encoding: 'utf8' })
  if (error ?? status !== 0) throw new Error(`the plots could not be drawn: ${error?.message ?? stderr}`)
  return drawn.map(({ title, file }) => ({ title, path: `${basename(folder)}/${file}.svg` }))
}
