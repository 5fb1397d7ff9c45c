import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Desk } from '../../../src/services/boot-files/desk.ts'
import type { Lent } from '../../../src/services/boot-files/files/library.ts'
import { type BootLimits, bootLimits } from '../../../src/services/boot-files/limits.ts'
import { openTftp } from '../../../src/services/boot-files/tftp/door.ts'
import { acknowledgement, openClient, requestFor } from '../../lab/tftp-client.ts'
import { ports } from './desk.ts'

/** The door of TFTP alone, at a desk that a test speaks for. */

const address = '127.0.120.10'
const bytes = Buffer.alloc(600, 7)

interface At {
  readonly limits?: Partial<BootLimits>
  readonly lend?: (client: string, name: string) => Promise<Lent>
  readonly allows?: () => boolean
}

async function openDoor({ limits = {}, lend, allows = () => true }: At = {}) {
  const told: string[] = []
  const forgotten: string[] = []
  const failures: unknown[] = []
  const asked: string[] = []
  let [time, held] = [0, 0]
  const file = () => {
    held += 1
    return {
      size: bytes.length,
      version: 'one',
      chunk: async () => ({ bytes, holders: 1 }),
      release: () => {},
      drop: () => void (held -= 1),
    } as never
  }
  const desk = {
    library: {
      lend: async (client: string, name: string) => {
        asked.push(`${client} ${name}`)
        return lend ? lend(client, name) : { file: file() }
      },
      forget: (client: string, name: string) => forgotten.push(`${client} ${name}`),
    },
    limits: { ...bootLimits, ...limits },
    now: () => time,
    holderOf: (client: string) => client,
    allows,
    watch: async (by: string, client: string, name: string) => {
      const tell = (word: string) => told.push(`${client} ${word}`)
      asked.push(`${by} ${client} ${name}`)
      return {
        probed: () => tell('probed'),
        started: () => tell('started'),
        progressed: () => {},
        ending: async () => {},
        done: () => tell('done'),
        aborted: (_: number, reason: string) => tell(`aborted ${reason}`),
        refused: (reason: string) => tell(`refused ${reason}`),
      }
    },
    failed: (error: unknown) => failures.push(error),
  } as unknown as Desk
  const door = await openTftp([{ address, family: 'IPv4', port: ports.tftp }], desk)
  onTestFinished(() => door[Symbol.asyncDispose]())
  return {
    told,
    forgotten,
    failures,
    asked,
    file,
    door,
    pass: (ms: number) => void (time += ms),
    get held() {
      return held
    },
  }
}

/** A machine of its own, by the last number of its address. */
async function machineAt(last: number) {
  const socket = await openClient(`127.0.120.${last}`)
  onTestFinished(() => closeOnce(socket))
  const came: { readonly packet: Buffer; readonly port: number }[] = []
  socket.on('message', (packet, { port }) => came.push({ packet, port }))
  return {
    socket,
    came,
    ask: (packet: Buffer = requestFor('boot.efi', 'octet', { blksize: '512' })) =>
      socket.send(packet, ports.tftp, address),
    answer: (block: number) => socket.send(acknowledgement(block), came.at(-1)!.port, address),
    next: () => once(socket, 'message'),
    close: () => closeOnce(socket),
  }
}

function closeOnce(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was closed by the test.
  }
}

type Machine = Awaited<ReturnType<typeof machineAt>>

/** Fetches the whole file. */
async function fetches(machine: Machine): Promise<void> {
  machine.ask()
  for (const block of [0, 1, 2]) {
    await machine.next()
    machine.answer(block)
  }
}

/** Answers of the library that are given when a test says so. */
function slowly() {
  const waiting: ((lent: Lent) => void)[] = []
  return {
    lend: () => new Promise<Lent>((resolve) => waiting.push(resolve)),
    waiting,
  }
}

describe('a file that a machine has whole', () => {
  test('is given in its newest version the next time, and its place is free', async () => {
    const it = await openDoor({ limits: { transfers: 1 } })
    await fetches(await machineAt(110))
    await expect.poll(() => it.told).toEqual(['127.0.120.110 started', '127.0.120.110 done'])
    expect(it.forgotten).toEqual(['127.0.120.110 boot.efi'])
    expect(it.held).toBe(0)
    await fetches(await machineAt(111))
    await expect.poll(() => it.told.at(-1)).toBe('127.0.120.111 done')
  })

  test('is not what one has that hung up', async () => {
    const it = await openDoor()
    const machine = await machineAt(112)
    machine.ask()
    await machine.next()
    machine.answer(0)
    await machine.next()
    machine.socket.send(Buffer.from('\0\u0005\0\0no\0'), machine.came.at(-1)!.port, address)
    await expect.poll(() => it.told.at(-1)).toBe('127.0.120.112 aborted hung-up')
    expect([it.forgotten, it.held]).toEqual([[], 0])
  })
})

describe('while a disk is slow', () => {
  test('a request that comes again is the same one, and one from another port is another', async () => {
    const { lend, waiting } = slowly()
    const it = await openDoor({ lend })
    const [machine, other] = [await machineAt(113), await machineAt(114)]
    for (let copies = 0; copies < 5; copies += 1) machine.ask()
    other.ask()
    await expect.poll(() => waiting.length).toBe(2)
    expect(it.asked.filter((one) => one === '127.0.120.113 boot.efi')).toHaveLength(1)
  })

  test.each([
    { name: 'one address has no more places than others', limits: { perAddress: 2 }, from: [115, 115, 115, 116] },
    { name: 'all have no more places than there are', limits: { transfers: 2 }, from: [115, 116, 117] },
  ])('$name', async ({ limits, from }) => {
    const { lend, waiting } = slowly()
    const it = await openDoor({ lend, limits })
    for (const [index, last] of from.entries()) {
      ;(await machineAt(last)).ask()
      await expect.poll(() => waiting.length + it.told.length).toBe(index + 1)
    }
    expect(it.told).toEqual([`127.0.120.${from[2]} refused busy`])
    expect(it.asked.filter((one) => one.startsWith('tftp')).length).toBe(from.length)
  })

  test('a place is free again when the answer was no', async () => {
    const it = await openDoor({ limits: { transfers: 1 }, lend: async () => ({ refused: 'not-found' }) })
    const machine = await machineAt(118)
    for (let times = 0; times < 3; times += 1) {
      machine.ask()
      await machine.next()
    }
    expect(it.told).toEqual(Array.from({ length: 3 }, () => '127.0.120.118 refused not-found'))
  })

  test('a server that closes begins nothing any more, and gives the file back', async () => {
    const { lend, waiting } = slowly()
    const it = await openDoor({ lend })
    const machine = await machineAt(119)
    machine.ask()
    await expect.poll(() => waiting.length).toBe(1)
    await it.door[Symbol.asyncDispose]()
    waiting[0]!({ file: it.file() })
    await expect.poll(() => it.held).toBe(0)
    expect([machine.came, it.told, it.failures]).toEqual([[], [], []])
  })
})

describe('a machine is told', () => {
  test.each([
    { refused: 'not-found', code: 1, text: 'no such file' },
    { refused: 'forbidden', code: 2, text: 'no plain file of what is served' },
    { refused: 'unreadable', code: 2, text: 'the file can not be read' },
  ] as const)('why it is refused: $refused', async ({ refused, code, text }) => {
    await openDoor({ lend: async () => ({ refused }) })
    const machine = await machineAt(120)
    machine.ask()
    const [packet] = (await machine.next()) as [Buffer]
    expect([packet.readUInt16BE(0), packet.readUInt16BE(2), packet.subarray(4, -1).toString()]).toEqual([5, code, text])
  })

  test('nothing where it asks too often, and nobody is told of it', async () => {
    let asked = 0
    const it = await openDoor({ allows: () => (asked += 1) < 0 })
    const machine = await machineAt(121)
    machine.ask()
    await expect.poll(() => asked).toBe(1)
    expect([machine.came, it.asked, it.told]).toEqual([[], [], []])
  })

  test('nothing where there is no place: it asks again', async () => {
    const it = await openDoor({ limits: { transfers: 0 } })
    const machine = await machineAt(122)
    machine.ask()
    await expect.poll(() => it.told).toEqual(['127.0.120.122 refused busy'])
    expect(machine.came).toEqual([])
  })
})

test('what nobody has foreseen is told to the log, and the next request is served', async () => {
  let times = 0
  const bug = new TypeError('a bug')
  const it = await openDoor({
    lend: async () => {
      times += 1
      if (times === 1) throw bug
      return { file: it.file() }
    },
  })
  const machine = await machineAt(123)
  machine.ask()
  await expect.poll(() => it.failures).toEqual([bug])
  await fetches(machine)
  await expect.poll(() => it.told.at(-1)).toBe('127.0.120.123 done')
})

test('a transfer that is under way is told when the server stops', async () => {
  const it = await openDoor()
  const machine = await machineAt(124)
  machine.ask()
  await machine.next()
  machine.answer(0)
  await machine.next()
  const last = machine.next()
  await it.door[Symbol.asyncDispose]()
  const [packet] = (await last) as [Buffer]
  expect([packet.readUInt16BE(0), packet.subarray(4, -1).toString()]).toEqual([5, 'the server stops'])
  expect([it.told, it.held]).toEqual([['127.0.120.124 started', '127.0.120.124 aborted stopped'], 0])
})
