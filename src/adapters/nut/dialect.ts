/** What has been learned of a server that may not be upsd itself. It outlives connections. */
export interface Dialect {
  /** Whether commands that were sent together are all answered. Where they are not, one is sent at a time. */
  pipelining: 'untried' | 'works' | 'fails'
  /** GET and LIST take USERNAME and PASSWORD first, without LOGIN. */
  wantsUser: boolean
  /** How variables are read; 'untried' is GET VAR that has brought nothing yet. */
  reads: 'untried' | 'get' | 'list'
  /** Whether a list ends with END. One that does not is over when nothing more comes. */
  lists: 'untried' | 'end' | 'stay open'
}

export function createDialect(): Dialect {
  return { pipelining: 'untried', wantsUser: false, reads: 'untried', lists: 'untried' }
}
