// Draws the plots: what `charts.mjs` says goes to the program in `bench/plots`.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { charts } from './charts.mjs'
import { plots } from './paths.mjs'
import { measuredScenarios } from './report.mjs'

/** Writes one SVG a chart into the document's folder of plots; returns their titles and paths from the document. */
export function draw(meta, runs, out) {
  const drawn = charts(meta, runs, measuredScenarios(meta))
  const folder = plotsOf(out)
  mkdirSync(join(dirname(out), folder), { recursive: true })
  const { error, status, stderr } = spawnSync(plots, [join(dirname(out), folder)], { input: JSON.stringify(drawn), encoding: 'utf8' })
  if (error ?? status !== 0) throw new Error(`the plots could not be drawn: ${error?.message ?? stderr}`)
  return drawn.map(({ title, file }) => ({ title, path: `${folder}/${file}.svg` }))
}

/** Beside the document: `plots` is that of RESULTS.md, which no other document may draw over. */
export function plotsOf(out) {
  const name = basename(out, extname(out)).toLowerCase()
  return name === 'results' ? 'plots' : `plots-${name}`
}
