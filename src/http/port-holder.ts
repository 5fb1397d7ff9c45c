import { isIPv4 } from 'node:net'
import { endianness } from 'node:os'
import { basename } from 'node:path'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { isWildcard } from './addresses.ts'

export type Protocol = 'tcp' | 'udp'

/** The state of a socket that listens: TCP_LISTEN, and TCP_CLOSE, in which UDP is before a peer is chosen (Linux, tcp_states.h). */
const listening: Readonly<Record<Protocol, string>> = { tcp: '0A', udp: '07' }

/** A program that runs here. */
export interface Holder {
  readonly name: string
  readonly pid: number
}

export interface Listening {
  readonly protocol?: Protocol
  /** `others` leaves this process out. */
  readonly which?: 'any' | 'others'
  /** Where: another program may have the port of another address. A name, or nothing, means any. */
  readonly address?: string | undefined
}

/**
 * The program that listens on a port. Undefined where nothing tells: on other systems than Linux, and for processes of
 * others unless we are root.
 */
export async function whoListens(
  port: number,
  { protocol = 'tcp', which = 'any', address }: Listening = {},
): Promise<Holder | undefined> {
  const tables = await Promise.all(
    [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const sockets = new Set(tables.flatMap((table) => socketsOn(table, port, { protocol, address })))
  if (sockets.size === 0) return undefined
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const own = which === 'others' ? await readlink('/proc/self').catch(() => '') : ''
  for (const id of processes)
    if (id !== own && (await holds(id, sockets))) return { name: await nameOf(id), pid: Number(id) }
  return undefined
}

/** Inodes of the sockets that listen on a port (proc(5), /proc/net/tcp). */
export function socketsOn(
  table: string,
  port: number,
  { protocol = 'tcp', address = '' }: Pick<Listening, 'protocol' | 'address'> = {},
): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const written = asWritten(address)
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const [where = '', on] = local.split(':')
    const isThere = written === undefined || written === where || /^0+$/.test(where)
    return state === listening[protocol] && on === wanted && isThere && inode !== undefined ? [`socket:[${inode}]`] : []
  })
}

/** An IPv4 address as the tables have it, in the order of bytes of this machine; undefined for others, which mean any. */
function asWritten(address: string): string | undefined {
  if (!isIPv4(address) || isWildcard(address)) return undefined
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'))
  return (endianness() === 'LE' ? bytes.toReversed() : bytes).join('')
}

async function holds(id: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${id}/fd`).catch(() => [])
  for (const file of files) {
    const target = await readlink(`/proc/${id}/fd/${file}`).catch(() => '')
    if (sockets.has(target)) return true
  }
  return false
}

async function nameOf(id: string): Promise<string> {
  const [comm, line] = await Promise.all(
    ['comm', 'cmdline'].map((file) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '')),
  )
  return nameIn(line ?? '', comm ?? '')
}

/** What runs others' programs, which say more of what it is. */
const interpreters = /^(node|nodejs|bun|deno|python[\d.]*|ruby|perl|php|java|sh|bash)$/

/**
 * A program's name for people: `node caretaker.mjs`. What it calls itself is kept for where its command line is not told:
 * Node calls itself MainThread, and names are cut off there.
 *
 * @param line /proc/PID/cmdline: its words end with NUL. Only names of files are taken from it, never what it was told
 * @param comm /proc/PID/comm
 */
export function nameIn(line: string, comm: string): string {
  const [program = '', first = ''] = line.split('\0').filter((word) => !word.startsWith('-'))
  const name = basename(program)
  if (name === '') return comm.trim() || 'a program'
  return interpreters.test(name) && first.includes('/') ? `${name} ${basename(first)}` : name
}
