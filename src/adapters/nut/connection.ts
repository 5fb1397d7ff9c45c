import { connect, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { AgentError, messageOf } from '../../core/errors.ts'
import { splitWords } from './words.ts'

export interface NutAddress {
  readonly host: string
  readonly port: number
}

/** upsd said `ERR <code>`. */
export class NutRefusal extends AgentError {
  readonly nutCode: string

  constructor(nutCode: string, doing: string, at: string) {
    // The driver's absence is a lost line to the UPS; everything else is an answer.
    const lost = nutCode === 'DATA-STALE' || nutCode === 'DRIVER-NOT-CONNECTED'
    super(lost ? 'unreachable' : 'rejected', `upsd at ${at} refuses ${doing}: ${meanings[nutCode] ?? nutCode}`)
    this.nutCode = nutCode
  }
}

/** What a refusal means, and what to do (networkupstools/nut docs/net-protocol.txt, "Error responses"). */
const meanings: Readonly<Record<string, string>> = {
  'ACCESS-DENIED':
    'ACCESS-DENIED: check the user, the password and the hosts it lets in (upsd.users; on a Synology "permitted devices")',
  'DATA-STALE': 'DATA-STALE: its driver gets no fresh data from the UPS; check the cable, or restart the driver',
  'DRIVER-NOT-CONNECTED': 'DRIVER-NOT-CONNECTED: no driver runs for this UPS; start it on the server',
  'UNKNOWN-UPS': 'UNKNOWN-UPS: it has no UPS of that name; `upsc -l HOST` lists them, a Synology calls it "ups"',
  'USERNAME-REQUIRED': 'USERNAME-REQUIRED: set user and password',
  'PASSWORD-REQUIRED': 'PASSWORD-REQUIRED: set user and password',
  'VAR-NOT-SUPPORTED': 'VAR-NOT-SUPPORTED: this UPS does not tell',
}

export interface NutConnection extends Disposable {
  readonly closed: boolean
  /** Ends it; whoever waits is told why. */
  close(why: AgentError): void
  /** Sends a command that is answered by one line; returns that line's words. */
  ask(command: string, doing?: string): Promise<readonly string[]>
  /** Sends a `LIST …`; returns the words of each line between BEGIN and END. */
  list(command: string): Promise<readonly (readonly string[])[]>
}

interface Waiting {
  readonly doing: string
  readonly isList: boolean
  readonly lines: string[][]
  isBegun: boolean
  readonly resolve: (lines: string[][]) => void
  readonly reject: (error: AgentError) => void
  deadline: NodeJS.Timeout | undefined
}

/** An answer without end is cut off here: no UPS has so much to say, in bytes. */
const longestLine = 8_192
const longestList = 5_000

/**
 * One connection to upsd. Commands are pipelined and answered in order. The protocol has no way to tell a late answer
 * from a missing one, so a command that is not answered within `timeout` ms closes the connection, and everything that
 * waits on it fails (RFC 9271; upsd itself never speaks first).
 */
export async function connectNut(
  { host, port }: NutAddress,
  timeout: number,
  signal: AbortSignal,
): Promise<NutConnection> {
  const at = `${host}:${port}`
  const socket = await open({ host, port }, timeout, signal)
  const queue: Waiting[] = []
  const decoder = new StringDecoder('utf8')
  let buffered = ''
  let ended: AgentError | undefined

  function fail(error: AgentError): void {
    ended ??= error
    socket.destroy()
    for (const waiting of queue.splice(0)) {
      clearTimeout(waiting.deadline)
      waiting.reject(ended)
    }
  }

  socket.on('data', (chunk: Buffer) => {
    buffered += decoder.write(chunk)
    const lines = buffered.split('\n')
    buffered = lines.pop()!
    try {
      for (const line of [...lines, buffered]) {
        if (line.length > longestLine) throw new AgentError('malformed', `upsd at ${at} sends a line without end`)
      }
      for (const line of lines) receive(line)
    } catch (error) {
      fail(error instanceof AgentError ? error : new AgentError('malformed', messageOf(error)))
    }
  })
  socket.on('error', (error) => fail(new AgentError('unreachable', `upsd at ${at}: ${messageOf(error)}`, error)))
  socket.on('close', () => fail(new AgentError('unreachable', `upsd at ${at} closed the connection`)))

  function receive(line: string): void {
    if (line.trim() === '') return
    const waiting = queue[0]
    if (!waiting) throw new AgentError('malformed', `upsd at ${at} answers what was not asked: ${line.slice(0, 80)}`)
    const words = splitWords(line)
    if (words[0] === 'ERR') return settle((it) => it.reject(new NutRefusal(words[1] ?? 'UNKNOWN', it.doing, at)))
    if (waiting.isList) {
      if (words[0] === 'BEGIN' || !waiting.isBegun) {
        if (waiting.isBegun || !waiting.doing.startsWith(words.slice(1, 3).join(' ')) || words[0] !== 'BEGIN')
          throw new AgentError('malformed', `upsd at ${at} answers ${waiting.doing} with: ${line.slice(0, 80)}`)
        waiting.isBegun = true
        return
      }
      if (words[0] !== 'END') {
        waiting.lines.push(words)
        if (waiting.lines.length > longestList)
          throw new AgentError('malformed', `upsd at ${at} sends a list without end`)
        return
      }
    } else {
      waiting.lines.push(words)
    }
    settle((it) => it.resolve(it.lines))
  }

  function settle(how: (waiting: Waiting) => void): void {
    const waiting = queue.shift()!
    clearTimeout(waiting.deadline)
    arm()
    how(waiting)
  }

  /** Only the oldest command's clock runs: those behind it have not had their turn. */
  function arm(): void {
    const next = queue[0]
    if (!next || next.deadline) return
    next.deadline = setTimeout(
      () => fail(new AgentError('unreachable', `upsd at ${at} does not answer ${next.doing} within ${timeout} ms`)),
      timeout,
    )
  }

  function send(command: string, doing: string, isList: boolean): Promise<string[][]> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      queue.push({ doing, isList, lines: [], isBegun: false, resolve, reject, deadline: undefined })
      arm()
      socket.write(`${command}\n`)
    })
  }

  return {
    get closed() {
      return ended !== undefined
    },
    ask: async (command, doing = command) => (await send(command, doing, false))[0]!,
    list: (command) => send(command, command, true),
    close: fail,
    [Symbol.dispose]: () => fail(new AgentError('unreachable', 'the connection to upsd was closed by us')),
  }
}

function open({ host, port }: NutAddress, timeout: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const stop = (why: string) => {
      cleanUp()
      socket.destroy()
      reject(new AgentError('unreachable', `upsd at ${host}:${port}: ${why}`))
    }
    const onAbort = () => stop('no connection in time')
    const onError = (error: Error & { code?: string }) =>
      stop(
        error.code === 'ECONNREFUSED'
          ? 'connection refused: is upsd running, and does it LISTEN on this address?'
          : messageOf(error),
      )
    const timer = setTimeout(onAbort, timeout)
    const cleanUp = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
    }
    if (signal.aborted) return stop('called off')
    signal.addEventListener('abort', onAbort)
    socket.once('error', onError)
    socket.once('connect', () => {
      cleanUp()
      resolve(socket)
    })
  })
}
