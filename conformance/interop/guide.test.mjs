// What the guide says to type.
import assert from 'node:assert/strict'
import { curl, curlLines } from './curl.mjs'
import { startServer, test } from './server.mjs'

test('what_the_chapter_about_rest_does_with_curl_works', async (t) => {
  const server = await startServer(t)
  const lines = await curlLines('docs/guide/rest.md')
  const of = (word) => lines.filter((line) => line.includes(word))
  const one = (word) => (assert.equal(of(word).length, 1, `${of(word).length} lines with ${word}`), of(word)[0])
  const json = async (word, status, options) => {
    const answer = await curl(one(word), server, options)
    assert.equal(answer.status, status, answer.body)
    return JSON.parse(answer.body)
  }

  const { id, text } = await json(`'{"text": "Hello"}'`, 201)
  assert.equal(text, 'Hello')
  assert.deepEqual(await json('text=Hello', 200), [{ text, id }])
  const first = lines.filter((line) => line.endsWith('/messages/1') || line.includes('/messages/1 '))
  assert.equal(first.length, 3)
  for (const line of first) {
    const { status, body } = await curl(line, server)
    assert.equal(status, 200, body)
    assert.equal(JSON.parse(body).id, 1)
  }

  const ids = async (line) => {
    const { status, body } = await curl(line, server)
    assert.equal(status, 200, body)
    return body.trim().split('\n').map((line) => JSON.parse(line).id)
  }
  const [page, pages] = of('ndjson')
  assert.deepEqual(await ids(page), [2, 3, id])
  // A table with pages has cursors.
  assert.deepEqual(await ids(pages.replace('messages', 'paged')), [1, 2, 3, 4, 5])

  const secrets = { 'ann@example.org': 'ann@example.com', '"…"': '"secret1"' }
  const { accessToken } = await json('authentication', 201, { secrets })
  // A service here that asks for a login.
  const guarded = one('Bearer').replace('notes', 'secure/1')
  assert.equal((await curl(guarded, server)).status, 401)
  assert.equal((await curl(guarded, server, { secrets: { '…': accessToken } })).status, 200)

  const stream = await curl(one('/sse'), server, { seconds: 1 })
  assert.match(stream.body, /^data: {"event":"connected","data":{"room":"7"},"path":"sse"}\n/)
  assert.equal(lines.length, 10)
})
