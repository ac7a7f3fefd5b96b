// What servers with data stand on: a file of SQLite, or a database in a PostgreSQL server that is started for the run.
// Each run has a fresh copy of what `bench/data` says.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './measure.mjs'
import { here, program } from './paths.mjs'

const TEMPLATE = 'bench'

/** Where PostgreSQL's programs are: the newest of Debian's, or those in the path. */
export function findPostgres(folder = '/usr/lib/postgresql') {
  const versions = existsSync(folder) ? readdirSync(folder).sort((a, b) => Number(b) - Number(a)) : []
  const { stdout } = spawnSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' })
  const places = [...versions.map((version) => join(folder, version, 'bin')), ...(stdout ? [dirname(stdout.trim())] : [])]
  return places.find((place) => ['initdb', 'pg_ctl', 'psql'].every((name) => existsSync(join(place, name))))
}

/** The databases that the scenarios need; `close` ends them and removes all that was made. */
export async function openDatabases(scenarios, machine) {
  const wanted = new Set(scenarios.map(({ store }) => store))
  const opened = {}
  const close = () => Object.values(opened).forEach((database) => database.close())
  process.once('exit', close)
  try {
    if (wanted.has('sqlite')) opened.sqlite = sqlite()
    if (wanted.has('postgres')) opened.postgres = await postgres(machine)
  } catch (error) {
    close()
    throw error
  }
  return {
    of: ({ store }) => opened[store],
    close() {
      process.removeListener('exit', close)
      close()
    },
  }
}

function sqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'wingbeat-sqlite-'))
  const template = join(folder, 'template.db')
  const close = () => rmSync(folder, { recursive: true, force: true })
  try {
    run(program('.', 'bench-data'), ['--sqlite', template, '--fill'])
  } catch (error) {
    close()
    throw error
  }
  let runs = 0
  return {
    fresh() {
      const place = join(folder, `${++runs}.db`)
      copyFileSync(template, place)
      const remove = () => ['', '-wal', '-shm'].forEach((end) => rmSync(place + end, { force: true }))
      return { store: 'sqlite', place, remove }
    },
    close,
  }
}

// As scripts/postgres.sh does for the tests.
async function postgres({ postgres: bin, load }) {
  // It refuses to run as root.
  const user = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
  const as = (words, more) => {
    const [program, ...args] = [...user, ...words]
    return run(program, args, more)
  }
  const its = (name, args, more) => as([join(bin, name), ...args], more)
  const port = await freePort()
  const url = (name) => `postgres://postgres@127.0.0.1:${port}/${name}`
  // psql takes it from its input: its user may not be allowed to read our files.
  const sql = (database, input) => its('psql', ['-q', '-v', 'ON_ERROR_STOP=1', '-d', url(database)], { input })
  const folder = as(['mktemp', '-d', join(tmpdir(), 'wingbeat-postgres-XXXXXX')]).trim()
  const data = join(folder, 'data')
  const close = () => {
    try {
      its('pg_ctl', ['-D', data, '-m', 'immediate', 'stop'], { stdio: 'ignore' })
    } catch {
      // It has not started.
    }
    as(['rm', '-rf', folder])
  }
  try {
    its('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync'])
    // What it does by itself shall not fall into somebody's run, and a checkpoint would.
    const quiet = ['fsync=off', 'autovacuum=off', 'max_wal_size=8GB', 'checkpoint_timeout=1d']
    const settings = ['listen_addresses=127.0.0.1', ...quiet].map((setting) => `-c ${setting}`).join(' ')
    const start = ['-D', data, '-l', join(folder, 'log'), '-w', '-o', `-p ${port} -k ${folder} ${settings}`, 'start']
    // Beside the load: the server that is measured has its core for itself. It would keep the pipes that it was given, and
    // this would wait for its end.
    as(['taskset', '-c', `${load}`, join(bin, 'pg_ctl'), ...start], { stdio: 'ignore' })
    const pid = Number(as(['cat', join(data, 'postmaster.pid')]).split('\n')[0])
    sql('postgres', `CREATE DATABASE ${TEMPLATE}`)
    sql(TEMPLATE, readFileSync(join(here, 'data/postgres.sql')))
    let runs = 0
    return {
      fresh() {
        const name = `run_${++runs}`
        sql('postgres', `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
        const remove = () => sql('postgres', `DROP DATABASE ${name} WITH (FORCE)`)
        return { store: 'postgres', place: url(name), pid, remove }
      },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

function run(program, args, more) {
  try {
    return execFileSync(program, args, { cwd: '/', encoding: 'utf8', maxBuffer: 1 << 24, ...more })
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.stderr || error.message}`, { cause: error })
  }
}
