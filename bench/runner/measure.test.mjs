import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import test from 'node:test'
import { checkMachine } from './machine.mjs'

// It listens, and says nothing.
const server = (port) => ['node', '-e', `require("node:net").createServer(() => {}).listen(${port}, "127.0.0.1")`]

const runner = (core) => `
  import { withServer } from '${new URL('./measure.mjs', import.meta.url)}'
  await withServer(${server}, '${core}', undefined, async (port, pid) => {
    console.log(JSON.stringify({ port, pid }))
    await new Promise((resolve) => setTimeout(resolve, 1e6))
  })`

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  test(`a runner that is ended by ${signal} takes its server with it`, { timeout: 20_000, skip: process.platform !== 'linux' }, async () => {
    const core = checkMachine({}).server
    const child = spawn('node', ['--input-type=module', '-e', runner(core)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    const { port, pid } = JSON.parse(line)
    try {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      await once(socket, 'connect')
      // Closed or reset: it is gone.
      const gone = new Promise((resolve) => socket.once('close', resolve))
      child.kill(signal)
      const [code] = await once(child, 'exit')
      assert.equal(code, 130)
      await gone
    } finally {
      try { process.kill(pid, 'SIGKILL') } catch { /* as it should be */ }
    }
  })
}
