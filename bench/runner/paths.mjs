// Where things are.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder `bench`. */
export const here = dirname(dirname(fileURLToPath(import.meta.url)))

/** The project's root; servers are started in it. */
export const root = dirname(here)

/**
 * Where cargo puts what it builds in a folder below the root. With CARGO_TARGET_DIR the workspace's programs are right
 * there, and the others in folders below it: each has a lock file of its own, so they cannot share.
 */
export function targetOf(folder) {
  const { CARGO_TARGET_DIR: wanted } = process.env
  if (!wanted) return join(root, folder, 'target')
  return folder === '.' ? resolve(root, wanted) : join(resolve(root, wanted), folder)
}

/** A program that cargo builds in a folder below the root. */
export function program(folder, name) {
  return join(targetOf(folder), 'release', name)
}

export const loadgen = program('bench/loadgen', 'loadgen')
export const plots = program('bench/plots', 'plots')
