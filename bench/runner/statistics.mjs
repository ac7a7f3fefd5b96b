// Medians, and how sure they are.

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The interval between two of the values that holds the median of what they were drawn from
 * with 95% or more, whatever the distribution: each value is below that median with
 * probability 1/2, so how many are is binomial. Fewer than six values have no such interval:
 * then it is their range, and `sure` is false.
 */
export function medianInterval(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  let below = 0.5 ** n
  let probability = below
  let dropped = -1
  while (2 * probability <= 0.05) {
    dropped += 1
    below *= (n - dropped) / (dropped + 1)
    probability += below
  }
  const first = Math.max(dropped, 0)
  return { low: sorted[first], high: sorted[n - 1 - first], sure: dropped >= 0 }
}
