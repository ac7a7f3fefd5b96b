// Events without sockets: streams as Feathers 6 and `EventSource` read them.
import assert from 'node:assert/strict'
import { once as happened } from 'node:events'
import { connect } from 'node:net'
import { feathers } from 'feathers'
import { fetchClient } from 'feathers/client'
import { once } from './clients.mjs'
import { startServer, test } from './server.mjs'

/** A stream, read by the rules of `EventSource`: https://html.spec.whatwg.org/multipage/server-sent-events.html */
async function open(t, server, path = '/sse', headers = {}) {
  const gone = new AbortController()
  t.after(() => gone.abort())
  const response = await fetch(server.url + path, { headers: { accept: 'text/event-stream', ...headers }, signal: gone.signal })
  const messages = response.ok ? messagesOf(response.body) : undefined
  const next = async () => JSON.parse((await messages.next()).value)
  /** Until the stream ends; an end that the server did not want is one as well. */
  const ended = async () => {
    try {
      while (!(await messages.next()).done);
    } catch (error) {
      assert.equal(error.name, 'TypeError')
    }
  }
  return { response, next, ended, leave: () => gone.abort() }
}

async function* messagesOf(body) {
  let [text, data] = ['', []]
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + piece).split(/\r\n|\n|\r/)
    text = lines.pop()
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
      if (line === '' && data.length) yield data.splice(0).join('\n')
    }
  }
}

const post = async (server, path, data, headers = {}) => {
  const json = { 'content-type': 'application/json', ...headers }
  const response = await fetch(server.url + path, { method: 'POST', headers: json, body: JSON.stringify(data) })
  return response.json()
}

async function tokenOf(server) {
  const login = { strategy: 'local', email: 'ann@example.com', password: 'secret1' }
  return (await post(server, '/authentication', login)).accessToken
}

const bearer = (token) => ({ authorization: `Bearer ${token}` })

test('a_stream_begins_with_connected_and_has_the_events_of_its_channels', async (t) => {
  const server = await startServer(t)
  const stream = await open(t, server, '/sse?a=1')
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream')
  assert.deepEqual(await stream.next(), { event: 'connected', data: { a: '1' }, path: 'sse' })
  await post(server, '/messages', { text: 'hello\nyou' })
  assert.deepEqual(await stream.next(), { event: 'created', data: { text: 'hello\nyou', id: 4 }, path: 'messages' })
})

test('a_token_logs_a_stream_in_and_decides_about_its_channels', async (t) => {
  const server = await startServer(t)
  const headers = bearer(await tokenOf(server))
  const [ann, stranger] = [await open(t, server, '/sse', headers), await open(t, server)]
  for (const stream of [ann, stranger]) assert.equal((await stream.next()).event, 'connected')
  await post(server, '/notes', { text: 'for members' }, headers)
  await post(server, '/messages', { text: 'for all' })
  const heard = [(await ann.next()).data.text, (await ann.next()).data.text, (await stranger.next()).data.text]
  assert.deepEqual(heard, ['for members', 'for all', 'for all'])
})

test('a_wrong_token_opens_nothing', async (t) => {
  const server = await startServer(t)
  const { response } = await open(t, server, '/sse', bearer('a.b.c'))
  assert.equal(response.status, 401)
  assert.equal((await response.json()).name, 'NotAuthenticated')
})

test('a_stream_ends_with_its_token', async (t) => {
  const server = await startServer(t, 'auth-1s')
  const stream = await open(t, server, '/sse', bearer(await tokenOf(server)))
  assert.equal((await stream.next()).event, 'connected')
  await stream.ended()
})

test('a_reader_that_does_not_read_is_ended', async (t) => {
  const server = await startServer(t)
  const stuck = connect(server.port, '127.0.0.1')
  t.after(() => stuck.destroy())
  stuck.write('GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [begun] = await happened(stuck, 'data')
  assert.match(begun.toString(), /^HTTP\/1.1 200/)
  stuck.pause()
  const reads = await open(t, server)
  await reads.next()
  let sent = 0
  for (let n = 0; n < 40; n += 1) {
    const text = 'x'.repeat(900_000)
    sent += text.length
    await post(server, '/messages', { text })
    assert.equal((await reads.next()).event, 'created', 'others hear everything')
  }
  let read = 0
  stuck.on('error', () => {})
  stuck.on('data', (piece) => { read += piece.length })
  stuck.resume()
  await happened(stuck, 'close')
  assert.ok(read < sent, `${read} of ${sent} bytes`)
})

test('a_shutdown_ends_streams', async (t) => {
  const server = await startServer(t)
  const stream = await open(t, server)
  await stream.next()
  await Promise.all([server.terminate(), stream.ended()])
})

test('a_client_of_feathers_6_hears_events_and_finds_the_server_again', async (t) => {
  // It would look for its server for ever: this comes before the server's end.
  let leave = new AbortController()
  t.after(() => leave.abort())
  const server = await startServer(t)
  const client = feathers()
  const sse = { path: 'sse', reconnectionDelay: 20, reconnectionDelayMax: 100 }
  client.configure(fetchClient(fetch, { baseUrl: server.url, sse }))
  const stream = client.service('sse')
  const connected = once(stream, 'connected')
  await client.setup()
  leave = await connected
  const heard = once(client.service('messages'), 'created')
  assert.equal((await client.service('messages').create({ text: 'one' })).id, 4)
  assert.equal((await heard).text, 'one')

  const again = once(stream, 'connected')
  await server.terminate()
  await server.start()
  leave = await again
  const later = once(client.service('messages'), 'created')
  await post(server, '/messages', { text: 'two' })
  assert.equal((await later).text, 'two')
})

test('records_are_lines_and_those_of_all_pages_with_a_cursor', async (t) => {
  const server = await startServer(t)
  const lines = async (path) => {
    const response = await fetch(server.url + path, { headers: { accept: 'application/x-ndjson' } })
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
    return (await response.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  }
  assert.deepEqual((await lines('/messages')).map(({ id }) => id), [1, 2, 3])
  assert.equal((await lines('/paged')).length, 2)
  assert.equal((await lines('/paged?$cursor=&$limit=2')).length, 5)
})
