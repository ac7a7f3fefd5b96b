// Answers without what differs from call to call: tokens, times, hashes, and the order of members.

const VARYING = [
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/"(iat|exp)":\d+/g, '"$1":0'],
  [/"jti":"[^"]+"/g, '"jti":""'],
  [/\$2[ab]\$[^"]+/g, '<hash>']
]

const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
}

function text(frame) {
  const [, head, json] = /^(\d*)(.*)$/s.exec(frame)
  const order = head + JSON.stringify(sorted(JSON.parse(json)))
  return VARYING.reduce((plain, [pattern, stands]) => plain.replace(pattern, stands), order)
}

/** What is compared: texts, and the error if the answer is one. */
export function plain({ answer, events }) {
  const error = answer === undefined ? undefined : JSON.parse(answer)[0]
  return { answer: answer === undefined ? 'no answer' : text(answer), error: error ?? undefined, events: events.map(text) }
}
