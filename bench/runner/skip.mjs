// What cannot be measured here, and why: said, never left out silently.

/** The scenarios that can be measured, and a line for each that cannot. */
export function possible(scenarios, machine) {
  const skipped = []
  const kept = scenarios.filter((scenario) => {
    const reason = why(scenario, machine)
    if (reason) skipped.push({ scenario: scenario.name, reason })
    return !reason
  })
  return { scenarios: kept, skipped }
}

function why({ files, tls, store, mib = 0 }, machine) {
  const needed = files + 100
  if (needed > machine.files) {
    return (
      `needs ${needed.toLocaleString('en')} open files, and ${machine.files.toLocaleString('en')} are allowed ` +
      '(ulimit -Hn); sessions-100000 and sessions-1000000 do without'
    )
  }
  if (store === 'postgres' && !machine.postgres) return 'needs PostgreSQL (Debian: apt install postgresql)'
  if (tls && !machine.openssl) return 'needs openssl, to make a certificate'
  if (mib > machine.mib) {
    return `needs ${mib.toLocaleString('en')} MiB of memory, and ${machine.mib.toLocaleString('en')} are available`
  }
  return undefined
}
