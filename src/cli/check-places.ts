import { access, constants, stat, statfs } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { doubtful, type Mistake, wrong } from '../config/mistake.ts'
import type { Settings } from '../main/settings.ts'
import { attempt, checkDirectory, type Findings, isInside } from './findings.ts'

/** In bytes, without the NUL at the end (unix(7)). */
const longestSocketPath = 107

/** By their magic numbers (statfs(2)): what is gone after a power cut, and what is on another machine. */
const volatile = new Set([0x0102_1994, 0x8584_58f6])
const remote = new Set([0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b])

/** The directories, the programs and the network interfaces that the configuration counts on. */
export async function checkPlaces(settings: Settings): Promise<Findings> {
  const { config, path, state } = settings
  const share = path(config.share.directory)
  const snapshots = config.upgrade.snapshots.directory
  const found = await Promise.all([
    attempt(['share', 'directory'], () => checkDirectory(share, 'is the share mounted?')),
    checkServed(share),
    checkState(settings, share),
    snapshots === undefined ? [] : checkKept(['upgrade', 'snapshots', 'directory'], path(snapshots), share),
    checkPrograms(settings),
  ])
  const socket = Buffer.byteLength(settings.socket)
  return [
    ...found.flat(),
    ...(socket > longestSocketPath
      ? [wrong(['state'], `${state} is too long: the control socket in it has ${socket} bytes, and may have 107`)]
      : []),
    ...checkInterfaces(settings),
  ]
}

/** TFTP servers run as a user of their own. */
async function checkServed(share: string): Promise<Findings> {
  const info = await stat(share).catch(() => undefined)
  if (!info?.isDirectory() || (info.mode & 0o005) === 0o005) return []
  return [
    doubtful(['share', 'directory'], `others may not read ${share}: most TFTP servers need \`chmod o+rx ${share}\``),
  ]
}

async function checkState({ state, file }: Settings, share: string): Promise<Findings> {
  const at = ['state']
  const found: Mistake[] = [...(await checkKept(at, state, share))]
  if (await isInside(share, state))
    found.push(wrong(at, `the share ${share} is in it: give each a directory of its own`))
  const existing = await nearestExisting(state)
  if (existing === state)
    found.push(...(await attempt(at, () => checkDirectory(state, 'give it a directory of its own'))))
  else if (!(await isAllowed(existing, constants.W_OK)))
    found.push(wrong(at, `${state} does not exist, and this user can't make it in ${existing}`))
  const { type } = await statfs(existing).catch(() => ({ type: 0 }))
  if (volatile.has(type))
    found.push(doubtful(at, `${state} is in memory, and gone after a power cut: nothing would be woken`))
  if (remote.has(type))
    found.push(doubtful(at, `${state} is on another machine, which may be off in a power cut: use a local disk`))
  if (state === dirname(file))
    found.push(doubtful(at, `${state} is the folder of the configuration: give it one of its own`))
  return found
}

/** What holds every secret of the cluster, and must not be served. */
async function checkKept(at: Mistake['path'], directory: string, share: string): Promise<Findings> {
  if (!(await isInside(directory, share))) return []
  return [wrong(at, `${directory} is in the share, which TFTP serves to everybody: give it a directory of its own`)]
}

async function nearestExisting(path: string): Promise<string> {
  if (await isAllowed(path, constants.F_OK)) return path
  const parent = dirname(path)
  return parent === path ? path : nearestExisting(parent)
}

async function checkPrograms({ config, searchPath }: Settings): Promise<Findings> {
  const wanted = [
    ...config.hosts.flatMap(({ shutdown }, index) =>
      'ssh' in shutdown ? [{ path: ['hosts', index, 'shutdown', 'ssh'], program: 'ssh' }] : [],
    ),
    ...(['nodes', 'hosts'] as const).flatMap((list) =>
      config[list].flatMap(({ wake }, index) =>
        wake?.powerOn && 'command' in wake.powerOn
          ? [{ path: [list, index, 'wake', 'powerOn', 'command'], program: wake.powerOn.command[0] ?? '' }]
          : [],
      ),
    ),
  ]
  const checked = wanted.map(async ({ path, program }) =>
    (await isProgram(program, searchPath)) ? [] : [wrong(path, `there is no program ${program} here: install it`)],
  )
  return (await Promise.all(checked)).flat()
}

async function isProgram(program: string, searchPath: string): Promise<boolean> {
  if (program.includes('/')) return isAbsolute(program) ? isAllowed(program, constants.X_OK) : true
  for (const folder of searchPath.split(delimiter))
    if (folder !== '' && (await isAllowed(join(folder, program), constants.X_OK))) return true
  return false
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}

/** A packet through an interface that is not here is sent by none. */
function checkInterfaces({ config: { power, nodes, hosts } }: Settings): Findings {
  const here = Object.keys(networkInterfaces())
  const named = [
    { path: ['power', 'wake', 'interface'], name: power.wake.interface },
    ...nodes.map(({ wake }, index) => ({ path: ['nodes', index, 'wake', 'interface'], name: wake?.interface })),
    ...hosts.map(({ wake }, index) => ({ path: ['hosts', index, 'wake', 'interface'], name: wake?.interface })),
  ]
  return named.flatMap(({ path, name }) =>
    name === undefined || here.includes(name)
      ? []
      : [doubtful(path, `this machine has no interface ${name}, only ${here.join(', ')}`)],
  )
}
