// Much at once: nobody is closed for it, however slow the network.
import assert from 'node:assert/strict'
import net from 'node:net'
import { appOf, connected, heard } from './clients.mjs'
import { startServer, test } from './server.mjs'

const EVERYWHERE = [['websocket'], ['polling'], ['polling', 'websocket']]

/** A way to the server that takes so many bytes in a millisecond. */
async function slowly(t, server, rate) {
  const proxy = net.createServer((client) => {
    const upstream = net.connect(server.port, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (bytes) => {
      client.write(bytes)
      upstream.pause()
      setTimeout(() => upstream.resume(), bytes.length / rate)
    })
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => proxy.close())
  return { url: `http://127.0.0.1:${proxy.address().port}` }
}

/** Clients on all transports that note whether they lose their connection. */
async function listeners(t, servers) {
  const apps = servers.flatMap((server) => EVERYWHERE.map((transports) => appOf(t, server, { transports })))
  const lost = []
  for (const app of apps) {
    await connected(app.io)
    app.io.on('disconnect', (reason) => lost.push(reason))
  }
  return { apps, lost }
}

for (const [count, size] of [[2500, 2000], [100, 60_000]]) {
  test(`a_call_that_changes_${count}_records_of_${size}_bytes_is_heard_by_all`, async (t) => {
    const server = await startServer(t)
    const { apps, lost } = await listeners(t, [server, await slowly(t, server, 2000)])
    const [caller] = apps
    const made = Promise.all(apps.map((app) => heard(app.service('messages'), 'created', count)))
    // One call may send a megabyte.
    const batch = Math.floor(500_000 / size)
    const records = Array.from({ length: count }, (_, n) => ({ n, burst: true, text: 'x'.repeat(size) }))
    for (let at = 0; at < count; at += batch) {
      await caller.service('messages').create(records.slice(at, at + batch))
    }
    await made
    const all = Promise.all(apps.map((app) => heard(app.service('messages'), 'patched', count)))
    const answer = await new Promise((resolve, reject) => {
      const answered = (error, data) => (error ? reject(error) : resolve(data))
      caller.io.emit('patch', 'messages', null, { read: true }, { burst: true }, answered)
    })
    assert.equal(answer.length, count)
    for (const patched of await all) {
      assert.ok(patched.every(({ n, read, text }, at) => n === at && read && text.length === size))
    }
    assert.deepEqual(lost, [])
  })
}

for (const [count, size] of [[40, 300_000], [4, 3_000_000]]) {
  test(`${count}_answers_of_${size}_bytes_all_come`, async (t) => {
    const server = await startServer(t)
    const { apps, lost } = await listeners(t, [server, await slowly(t, server, 2000)])
    const pieces = size / 300_000
    for (let n = 0; n < pieces; n += 1) await apps[0].service('messages').create({ list: true, text: 'x'.repeat(300_000) })
    const ask = (app) =>
      new Promise((resolve, reject) => {
        app.io.emit('find', 'messages', { list: true }, (error, found) => (error ? reject(error) : resolve(found)))
      })
    const answers = await Promise.all(apps.flatMap((app) => Array.from({ length: count }, () => ask(app))))
    assert.ok(answers.every((found) => found.reduce((sum, { text }) => sum + text.length, 0) === size))
    assert.deepEqual(lost, [])
  })
}
