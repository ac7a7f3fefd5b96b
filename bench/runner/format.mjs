// How figures and tables are written.

/** Three digits that mean something. */
export function digits(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** The interval of `times` values; of one there is none. */
export function range({ low, high, sure }, times, what = 'pair') {
  if (times === 1) return `one ${what}`
  return `${digits(low)}–${digits(high)}${sure ? '' : ' (range)'}`
}

export const count = (value) => Math.round(value).toLocaleString('en')

/** `†` where no undisturbed run was left. */
export const mark = ({ disturbed }) => (disturbed ? ' †' : '')

export function table(head, rows) {
  const line = (cells) => `| ${head.map((_, i) => cells[i] ?? '').join(' | ')} |`
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n')
}

/** The command line, as a shell takes it. */
export function commandLine(script, words) {
  return [`node ${script}`, ...words.map(quoted)].join(' ')
}

function quoted(word) {
  return /^[\w./,=:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
