import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { firstVariables, labUsers, upsDescription, type LabUpsd, type LabUpsdOptions } from './upsd.ts'

/** What a real upsd will not do on demand; changeable at any time, nothing happens unless set. */
export interface UpsdMisbehaviour {
  /** One byte at a time. */
  fragments: boolean
  /** Commands that get no answer at all: those whose words, joined by spaces, match. */
  noReply: RegExp | undefined
  /** As a frozen host, or a cable pulled: connections open and stay open, nothing is read or said. */
  halfOpen: boolean
  /** Before every line that is sent, so that lists are slow. */
  delayMs: number
  /** Two answers in a row change places. */
  wrongOrder: boolean
  /** The connection ends after this many more answers, once. */
  dropAfter: number | undefined
  /** Whatever needs the driver's data answers so. */
  error: 'DATA-STALE' | 'DRIVER-NOT-CONNECTED' | undefined
  /** Addresses of clients that may ask; the others' every command is refused, as Synology's "permitted devices" does. */
  accessList: readonly string[] | undefined
}

export interface UpsdStandInOptions extends LabUpsdOptions {
  /** 'synology' is a derivative of 2.7.4: NETVER 1.2, no PRIMARY, PROTVER or TRACKING, and `monuser` is a master. */
  readonly dialect?: 'nut' | 'synology'
  /** A client that sends no command for this long is dropped; 60 s is upsd's own figure. */
  readonly idleMs?: number
}

/** A upsd that answers as networkupstools/nut 2.8.0 does, from server/{upsd,netuser,netget,netlist,netset}.c; and misbehaves. */
export interface UpsdStandIn extends LabUpsd {
  readonly misbehaviour: UpsdMisbehaviour
  /** Every command, in order of arrival: its words, joined by spaces. */
  readonly commands: readonly string[]
  /** A real upsd has to be started again for this. */
  clearForceShutdown(): void
}

interface Client {
  readonly socket: Socket
  username?: string
  password?: string
  isLoggedIn: boolean
  isTracking: boolean
  isLeaving: boolean
  idle: NodeJS.Timeout
  /** The sending of what was answered so far. */
  sending: Promise<void>
  heldBack: string[] | undefined
}
type Permission = 'LOGIN' | 'PRIMARY' | 'FSD' | 'SET' | 'INSTCMD'

const permissions: Readonly<Record<keyof typeof labUsers, readonly Permission[]>> = {
  admin: ['FSD', 'SET', 'INSTCMD'],
  prim: ['LOGIN', 'PRIMARY', 'FSD'],
  monuser: ['LOGIN'],
}
const needUser = new Set(['LOGIN', 'PRIMARY', 'MASTER', 'FSD', 'SET', 'INSTCMD'])
const descriptions: Readonly<Record<string, string>> = {
  'battery.charge': 'Battery charge (percent of full)',
  'battery.runtime': 'Battery runtime (seconds)',
  'ups.status': 'UPS status',
  'load.off': 'Turn off the load immediately',
}

export async function startUpsdStandIn(options: UpsdStandInOptions = {}): Promise<UpsdStandIn> {
  const { address = '127.0.0.1', dialect = 'nut', idleMs = 60_000 } = options
  const isSynology = dialect === 'synology'
  const version = isSynology ? 'DSM7-2-60108-221130' : '2.8.0'
  const clients = new Set<Client>()
  const tracked = new Set<string>()
  const commands: string[] = []
  const variables = new Map<string, string>()
  let port = options.port ?? 0
  let server: Server | undefined
  let stopping = new AbortController()
  let isForced = false
  const misbehaviour: UpsdMisbehaviour = {
    fragments: false,
    noReply: undefined,
    halfOpen: false,
    delayMs: 0,
    wrongOrder: false,
    dropAfter: undefined,
    error: undefined,
    accessList: undefined,
  }

  const may = ({ username = '', password = '' }: Client, permission: Permission): boolean => {
    const user = Object.entries(labUsers).find(([name, each]) => name === username && each.password === password)
    if (!user) return false
    const allowed =
      isSynology && username === 'monuser'
        ? permissions.prim
        : Object.entries(permissions).find(([name]) => name === username)?.[1]
    return allowed?.includes(permission) ?? false
  }
  const nameOf = (variable: string): string | undefined =>
    [...variables.keys()].find((name) => name.toLowerCase() === variable.toLowerCase())
  const isNumber = (name: string): boolean => name.startsWith('driver.') || /^[\d.]+$/.test(variables.get(name) ?? '')
  const valueOf = (name: string): string => {
    const value = variables.get(name) ?? ''
    return encode(isForced && name === 'ups.status' ? `FSD ${value}` : value)
  }
  /** An ERR that stands in the way of this UPS, if any: no such name, or no data of it. */
  const obstacle = (ups: string, needsData = true): string | undefined => {
    if (ups.toLowerCase() !== 'ups') return 'ERR UNKNOWN-UPS'
    return needsData && misbehaviour.error ? `ERR ${misbehaviour.error}` : undefined
  }

  function answer(client: Client, words: readonly string[]): string | string[] {
    const [word = '', ...rest] = words
    const command = word.toUpperCase()
    const { accessList } = misbehaviour
    if (accessList && !accessList.includes(client.socket.remoteAddress ?? '')) return 'ERR ACCESS-DENIED'
    const isUnknown = isSynology ? ['PRIMARY', 'PROTVER'].includes(command) : false
    if (isUnknown) return 'ERR UNKNOWN-COMMAND'
    if (needUser.has(command) && client.username === undefined) return 'ERR USERNAME-REQUIRED'
    if (needUser.has(command) && client.password === undefined) return 'ERR PASSWORD-REQUIRED'
    const [first = '', second = ''] = rest
    switch (command) {
      case 'VER':
        return rest.length > 0 ? invalid : `Network UPS Tools upsd ${version} - http://www.networkupstools.org/`
      case 'NETVER':
      case 'PROTVER':
        return rest.length > 0 ? invalid : isSynology ? '1.2' : '1.3'
      case 'HELP':
        return rest.length > 0 ? invalid : helpLine
      case 'STARTTLS':
        return 'ERR FEATURE-NOT-CONFIGURED'
      case 'USERNAME':
        if (rest.length !== 1) return invalid
        if (client.username !== undefined) return 'ERR ALREADY-SET-USERNAME'
        client.username = first
        return 'OK'
      case 'PASSWORD':
        if (rest.length !== 1) return invalid
        if (client.password !== undefined) return 'ERR ALREADY-SET-PASSWORD'
        client.password = first
        return 'OK'
      case 'LOGIN':
        if (rest.length !== 1) return invalid
        if (client.isLoggedIn) return 'ERR ALREADY-LOGGED-IN'
        if (obstacle(first, false) !== undefined) return 'ERR UNKNOWN-UPS'
        if (!may(client, 'LOGIN')) return denied
        client.isLoggedIn = true
        return 'OK'
      case 'LOGOUT':
        if (rest.length > 0) return invalid
        client.isLeaving = true
        return isSynology ? 'Goodbye...' : 'OK Goodbye'
      case 'PRIMARY':
      case 'MASTER':
      case 'FSD':
        if (rest.length !== 1) return invalid
        if (obstacle(first, false) !== undefined) return 'ERR UNKNOWN-UPS'
        if (!may(client, command === 'FSD' ? 'FSD' : 'PRIMARY')) return denied
        if (command !== 'FSD') return `OK ${command}-GRANTED`
        isForced = true
        return 'OK FSD-SET'
      case 'GET':
        return get(client, rest)
      case 'LIST':
        return list(rest)
      case 'SET':
        return set(client, rest)
      case 'INSTCMD':
        if (rest.length < 2) return invalid
        if (obstacle(first) !== undefined) return obstacle(first) ?? invalid
        if (second.toLowerCase() !== 'load.off') return 'ERR CMD-NOT-SUPPORTED'
        if (!may(client, 'INSTCMD')) return denied
        return accepted(client)
      default:
        return 'ERR UNKNOWN-COMMAND'
    }
  }

  function get(client: Client, [what = '', ups, variable]: readonly string[]): string {
    const kind = what.toUpperCase()
    if (kind === 'TRACKING' && !isSynology) {
      if (ups === undefined) return client.isTracking ? 'ON' : 'OFF'
      if (!client.isTracking) return 'ERR FEATURE-NOT-CONFIGURED'
      return tracked.has(ups) ? 'SUCCESS' : 'ERR UNKNOWN'
    }
    if (ups === undefined) return invalid
    if (kind === 'NUMLOGINS') return obstacle(ups) ?? `NUMLOGINS ${ups} ${loggedIn().length}`
    if (kind === 'UPSDESC') return obstacle(ups, false) ?? `UPSDESC ${ups} "${encode(upsDescription)}"`
    if (variable === undefined) return invalid
    if (kind === 'VAR' && /^server\./i.test(variable)) {
      if (/^server\.version$/i.test(variable)) return `VAR ${ups} server.version "${version}"`
      const info = `Network UPS Tools upsd ${version} - http://www.networkupstools.org/`
      return /^server\.info$/i.test(variable) ? `VAR ${ups} server.info "${info}"` : 'ERR VAR-NOT-SUPPORTED'
    }
    if (!['VAR', 'TYPE', 'DESC', 'CMDDESC'].includes(kind)) return invalid
    const blocked = obstacle(ups)
    if (blocked !== undefined) return blocked
    // The reply has the client's own spelling of the names.
    if (kind.endsWith('DESC'))
      return `${kind} ${ups} ${variable} "${descriptions[variable] ?? 'Description unavailable'}"`
    const name = nameOf(variable)
    if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
    if (kind === 'VAR') return `VAR ${ups} ${variable} "${valueOf(name)}"`
    const writable = isReadOnly(name) ? '' : ' RW'
    return `TYPE ${ups} ${variable}${writable} ${isNumber(name) ? 'NUMBER' : 'STRING:32'}`
  }

  function list([what = '', ups, variable]: readonly string[]): string | string[] {
    const kind = what.toUpperCase()
    if (kind === 'UPS') return ['BEGIN LIST UPS', `UPS ups "${encode(upsDescription)}"`, 'END LIST UPS']
    if (ups === undefined) return invalid
    const names = [...variables.keys()].toSorted()
    const lines: Readonly<Record<string, () => string[]>> = {
      VAR: () => names.map((name) => `VAR ${ups} ${name} "${valueOf(name)}"`),
      // Without FSD: it is no value of the driver's.
      RW: () =>
        names
          .filter((name) => !isReadOnly(name))
          .map((name) => `RW ${ups} ${name} "${encode(variables.get(name) ?? '')}"`),
      CMD: () => [`CMD ${ups} load.off`],
      CLIENT: () => loggedIn().map(({ socket }) => `CLIENT ups ${socket.remoteAddress ?? ''}`),
      ENUM: () => [],
      RANGE: () => [],
    }
    const make = lines[kind]
    const isOfVariable = kind === 'ENUM' || kind === 'RANGE'
    if (!make || (isOfVariable && variable === undefined)) return invalid
    const blocked = obstacle(ups, kind !== 'CLIENT')
    if (blocked !== undefined) return blocked
    if (isOfVariable && nameOf(variable ?? '') === undefined) return 'ERR VAR-NOT-SUPPORTED'
    const subject = isOfVariable ? `${kind} ${ups} ${variable}` : `${kind} ${ups}`
    return [`BEGIN LIST ${subject}`, ...make(), `END LIST ${subject}`]
  }

  function set(client: Client, [what = '', ups = '', variable = '', value]: readonly string[]): string {
    const kind = what.toUpperCase()
    if (kind === 'TRACKING' && !isSynology) {
      if (!/^(on|off)$/i.test(ups)) return invalid
      client.isTracking = ups.toUpperCase() === 'ON'
      return 'OK'
    }
    if (kind !== 'VAR' || value === undefined) return invalid
    const blocked = obstacle(ups)
    if (blocked !== undefined) return blocked
    if (!may(client, 'SET')) return denied
    const name = nameOf(variable)
    if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
    if (isReadOnly(name)) return 'ERR READONLY'
    if (!isNumber(name) && value.length > 32) return 'ERR TOO-LONG'
    change(name, value)
    return accepted(client)
  }

  const loggedIn = (): Client[] => [...clients].filter(({ isLoggedIn }) => isLoggedIn).toReversed()
  const accepted = (client: Client): string => {
    if (!client.isTracking) return 'OK'
    const id = randomUUID().toUpperCase()
    tracked.add(id)
    return `OK TRACKING ${id}`
  }
  const change = (name: string, value: string): void => {
    if (value === '') variables.delete(name)
    else variables.set(name, value)
  }

  function welcome(socket: Socket): void {
    const tokenize = createTokenizer()
    const leave = (): void => void socket.destroy()
    const client: Client = {
      socket,
      isLoggedIn: false,
      isTracking: false,
      isLeaving: false,
      idle: setTimeout(leave, idleMs),
      sending: Promise.resolve(),
      heldBack: undefined,
    }
    clients.add(client)
    socket.setNoDelay(true)
    socket.on('error', leave)
    socket.on('close', () => {
      clearTimeout(client.idle)
      clients.delete(client)
    })
    socket.on('data', (chunk) => {
      if (misbehaviour.halfOpen) return
      for (const words of tokenize(chunk)) {
        client.idle.refresh()
        commands.push(words.join(' '))
        const reply = words.length === 0 ? 'ERR UNKNOWN-COMMAND' : answer(client, words)
        if (!misbehaviour.noReply?.test(words.join(' '))) enqueue(client, [reply].flat())
      }
      if (client.isLeaving) client.sending = client.sending.then(leave)
    })
  }

  function enqueue(client: Client, lines: string[]): void {
    if (misbehaviour.wrongOrder && !client.heldBack) {
      client.heldBack = lines
      return
    }
    const all = [...lines, ...(client.heldBack ?? [])]
    client.heldBack = undefined
    client.sending = client.sending.then(() => send(client.socket, all)).catch(() => void client.socket.destroy())
  }

  async function send(socket: Socket, lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      if (misbehaviour.delayMs > 0) await pause(misbehaviour.delayMs, undefined, { signal: stopping.signal })
      for (const piece of misbehaviour.fragments ? `${line}\n` : [`${line}\n`]) {
        if (!socket.writable) return
        socket.write(piece, 'latin1')
        if (misbehaviour.fragments) await nextTurn()
      }
    }
    if (misbehaviour.dropAfter === undefined) return
    misbehaviour.dropAfter -= 1
    if (misbehaviour.dropAfter > 0) return
    misbehaviour.dropAfter = undefined
    socket.end()
  }

  async function stop(): Promise<void> {
    const closing = server
    server = undefined
    stopping.abort()
    for (const { socket } of clients) socket.destroy()
    if (!closing) return
    const closed = once(closing, 'close')
    closing.close()
    await closed
  }

  async function start(): Promise<void> {
    await stop()
    isForced = false
    stopping = new AbortController()
    variables.clear()
    const first = { ...firstVariables, ...options.variables }
    const own = {
      'device.type': 'ups',
      'driver.name': isSynology ? 'usbhid-ups' : 'dummy-ups',
      'driver.version': version,
    }
    for (const [name, value] of Object.entries({ ...first, ...own })) variables.set(name, value)
    for (const each of ['mfr', 'model', 'serial']) variables.set(`device.${each}`, variables.get(`ups.${each}`) ?? '')
    variables.set('driver.parameter.pollinterval', isSynology ? '5' : '2')
    const listening = createServer({ allowHalfOpen: false }, welcome).listen(port, address)
    await once(listening, 'listening')
    const bound = listening.address()
    if (bound !== null && typeof bound !== 'string') port = bound.port
    server = listening
  }

  await start()
  return {
    address,
    get port() {
      return port
    },
    upsName: 'ups',
    users: { secondary: { name: 'monuser', password: 'secret' } },
    misbehaviour,
    commands,
    set: async (variable, value) => change(variable, value),
    status: async (tokens) => change('ups.status', tokens),
    stop,
    start,
    forceShutdown: async () => void (isForced = true),
    clearForceShutdown: () => void (isForced = false),
    logins: async () => loggedIn().length,
    [Symbol.asyncDispose]: stop,
  }
}

const invalid = 'ERR INVALID-ARGUMENT'
const denied = 'ERR ACCESS-DENIED'
const helpLine = 'Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS'

function isReadOnly(name: string): boolean {
  return /^(driver|device)\./.test(name)
}

/** common/parseconf.c pconf_encode */
function encode(value: string): string {
  return value.replaceAll(/[#\\"]/g, '\\$&')
}

/**
 * Words of every line that a chunk completes, read as common/parseconf.c of 2.8.0 does, a character at a time. An
 * unescaped # between quotes is an error that nobody is told of: the rest of that chunk is thrown away with it.
 */
function createTokenizer(): (chunk: Buffer) => Iterable<string[]> {
  let state: 'between' | 'comment' | 'quoted' | 'quoted-literal' | 'word' | 'word-literal' = 'between'
  let word = ''
  let words: string[] = []
  const add = (char: string): void => {
    if (char >= ' ' && char <= '\x7f' && word.length < 512) word += char
  }
  const endWord = (): void => {
    if (words.length < 32) words.push(word)
    word = ''
  }
  const startWord = (char: string): typeof state => {
    if (char === '#') return 'comment'
    if (/\s/.test(char)) return 'between'
    if (char === '\\') return 'word-literal'
    if (char === '"') return 'quoted'
    add(char)
    if (char !== '=') return 'word'
    endWord()
    return 'between'
  }

  return function* (chunk) {
    for (const char of chunk.toString('latin1')) {
      if (char === '\n' && (state === 'between' || state === 'comment' || state === 'word')) {
        if (state === 'word') endWord()
        yield words
        words = []
        state = 'between'
      } else if (state === 'between') {
        state = startWord(char)
      } else if (state === 'quoted') {
        if (char === '#') {
          words = []
          word = ''
          state = 'between'
          return
        }
        if (char === '"') endWord()
        else if (char !== '\\') add(char)
        state = char === '"' ? 'between' : char === '\\' ? 'quoted-literal' : 'quoted'
      } else if (state === 'quoted-literal' || state === 'word-literal') {
        add(char)
        state = state === 'word-literal' ? 'word' : 'quoted'
      } else if (state === 'word') {
        const isEnd = char === '#' || char === '=' || /\s/.test(char)
        if (isEnd) endWord()
        if (isEnd) state = startWord(char)
        else if (char === '\\') state = 'word-literal'
        else add(char)
      }
    }
  }
}
