// Files over HTTP: Node's fetch and FormData, curl as the guide writes it, and clients that leave in the middle.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { feathers } from '@feathersjs/feathers'
import socketio from '@feathersjs/socketio-client'
import { io } from 'socket.io-client'
import { curl, curlLines } from './curl.mjs'
import { startServer, test } from './server.mjs'

/** $UPLOADS, or what `make interop` builds. */
function command() {
  if (process.env.UPLOADS) return process.env.UPLOADS
  const built = fileURLToPath(new URL('../../target/quick/uploads', import.meta.url))
  if (!existsSync(built)) throw new Error('no server of files: run `make interop`, or set UPLOADS to a command')
  return `"${built}"`
}

async function start(t) {
  const folder = await mkdtemp(join(tmpdir(), 'wingbeat-uploads-'))
  const server = await startServer(t, folder, command())
  t.after(() => rm(folder, { recursive: true, force: true }))
  const names = async () => (await readdir(folder)).filter((name) => name !== '.lock')
  return { server, folder, names, files: `${server.url}/files` }
}

/** Waits for what comes by itself. */
async function until(holds) {
  while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

function socketOf(t, server) {
  const socket = io(server.url, { transports: ['websocket'] })
  t.after(() => socket.close())
  const connection = socketio(socket)
  const app = feathers().configure(connection)
  app.use('files', connection.service('files'), { methods: ['find', 'get', 'remove', 'ticket'] })
  return app
}

test('a_form_data_of_fetch_becomes_a_file_and_an_event', async (t) => {
  const { server, files } = await start(t)
  const service = socketOf(t, server).service('files')
  await service.find()
  const heard = new Promise((resolve) => service.once('created', resolve))
  const bytes = Buffer.from(Array.from({ length: 900_000 }, (_, at) => at * 7))
  const form = new FormData()
  form.append('album', 'Summer')
  form.append('file', new File([bytes], 'Füße "猫".png', { type: 'image/png' }))
  const response = await fetch(files, { method: 'POST', body: form })
  const record = await response.json()
  assert.equal(response.status, 201)
  assert.deepEqual([record.name, record.album, record.size, record.sha256], ['Füße "猫".png', 'Summer', bytes.length, sha256(bytes)])
  assert.deepEqual(await heard, record)
  const content = await fetch(`${files}/${record.id}/content`)
  assert.ok(bytes.equals(Buffer.from(await content.arrayBuffer())))
  const part = await fetch(`${files}/${record.id}/content`, { headers: { range: 'bytes=100-199' } })
  assert.equal(part.status, 206)
  assert.ok(bytes.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer())))
})

test('a_stream_without_a_length_is_a_file', async (t) => {
  const { files } = await start(t)
  const body = new Blob(['hel', 'lo']).stream()
  const response = await fetch(files, { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'text/plain' } })
  assert.equal((await response.json()).sha256, sha256('hello'))
})

test('a_ticket_from_a_socket_is_good_once', async (t) => {
  const { server, names } = await start(t)
  const service = socketOf(t, server).service('files')
  const { url, expires } = await service.ticket({ name: 'a.txt', type: 'text/plain', size: 5 })
  assert.ok(expires > Date.now())
  const put = () => fetch(new URL(url, server.url), { method: 'PUT', body: new Blob(['hello']) })
  const record = await (await put()).json()
  assert.deepEqual(await service.get(record.id), record)
  assert.equal((await put()).status, 404)
  await assert.rejects(service.ticket({ name: 'a.html', type: 'application/x-evil', size: 5 }), { name: 'BadRequest' })
  assert.equal((await names()).length, 2)
})

test('who_leaves_in_the_middle_leaves_nothing', async (t) => {
  const { server, names, files } = await start(t)
  const heads = [
    'Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nhello',
    'Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 500\r\n\r\n' +
      '--x\r\nContent-Disposition: form-data; name=f; filename=f\r\nContent-Type: text/plain\r\n\r\nhello'
  ]
  for (const head of heads) {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`POST /files HTTP/1.1\r\nHost: localhost\r\n${head}`)
    await until(async () => (await names()).length === 1)
    socket.destroy()
    await until(async () => (await names()).length === 0)
  }
  assert.deepEqual(await (await fetch(files)).json(), [])
})

test('a_server_that_is_killed_keeps_what_was_whole', async (t) => {
  const { server, names, files } = await start(t)
  const whole = await (await fetch(files, { method: 'POST', body: new Blob(['hello'], { type: 'text/plain' }) })).json()
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  socket.write('POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhello')
  await until(async () => (await names()).length === 3)
  await server.kill()
  await server.start()
  assert.deepEqual(await (await fetch(files)).json(), [whole])
  assert.equal((await names()).length, 2)
  assert.equal(await (await fetch(`${files}/${whole.id}/content`)).text(), 'hello')
})

test('curl_works_as_the_guide_writes_it', async (t) => {
  const { server, names } = await start(t)
  const place = await mkdtemp(join(tmpdir(), 'wingbeat-curl-'))
  t.after(() => rm(place, { recursive: true, force: true }))
  await writeFile(join(place, 'photo.png'), 'not really')
  await writeFile(join(place, 'notes.txt'), 'Buy milk')
  const files = { '@photo.png': `@${place}/photo.png`, '@notes.txt': `@${place}/notes.txt` }
  const [form, body, ...others] = await curlLines('docs/guide/uploads.md')
  const made = async (line) => {
    const answer = await curl(line, server, { secrets: files })
    assert.equal(answer.status, 201, answer.body)
    return JSON.parse(answer.body)
  }
  const photo = await made(form)
  assert.deepEqual([photo.name, photo.type, photo.album], ['photo.png', 'image/png', 'Summer'])
  const notes = await made(body)
  assert.deepEqual([notes.name, notes.type, notes.size], ['notes.txt', 'text/plain', 8])
  const answers = []
  for (const line of others) answers.push(await curl(line, server, { secrets: { $ID: notes.id } }))
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 206, 200])
  const [list, got, whole, part, removed] = answers.map((answer) => answer.body)
  assert.deepEqual([JSON.parse(list), JSON.parse(got), JSON.parse(removed)], [[photo, notes], notes, notes])
  assert.deepEqual([whole, part], ['Buy milk', 'Buy milk'])
  assert.equal((await names()).length, 2)
})
