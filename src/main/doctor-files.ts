import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { freeSpaceOf } from '../adapters/share/space.ts'
import { type FileAccess, wantedMode } from '../core/doctor/files.ts'
import { during } from '../core/errors.ts'
import { findServiceUser } from './service-user.ts'
import { secretsFile } from './provision/machine-secrets.ts'
import { valueFilesOf } from './provision/machines-folder.ts'
import type { Settings } from './settings.ts'

type Wanted = Pick<FileAccess, 'path' | 'what' | 'kind'>

/** Every file and folder whose mode matters, as it is. `uid` is the user that we run as. */
export async function findFiles(settings: Settings, uid: number, isDaemon = true): Promise<readonly FileAccess[]> {
  const reader = isDaemon ? undefined : await findServiceUser(settings.state)
  const secrets = (await valueFilesOf(settings)).map(({ file, name }): Wanted => ({
    path: file,
    what: `the value ${name} of patches`,
    kind: 'secret',
  }))
  const found = [...wantedIn(settings), ...secrets].map(async (wanted): Promise<FileAccess> => {
    const info = await stat(wanted.path).catch(() => undefined)
    if (!info) return { ...wanted, found: undefined }
    const { mode, uid: owner, gid } = info
    const isOurs = owner === uid
    return {
      ...wanted,
      reader,
      found: { mode: mode & 0o7777, uid: owner, gid, isOurs, mayChange: isOurs || uid === 0 },
    }
  })
  const files = await Promise.all(found)
  // That a file of the configuration is missing is told by its check.
  return files.filter((file) => file.found !== undefined || file.kind === 'private-folder')
}

/** Gives it the mode that it should have; a folder that is missing is made. @throws AgentError */
export async function mendFile(file: FileAccess): Promise<void> {
  const mode = wantedMode(file)
  try {
    if (!file.found) await mkdir(file.path, { recursive: true, mode: 0o700 })
    else if (mode !== undefined) await chmod(file.path, mode)
  } catch (error) {
    throw during(`mend ${file.path}`, error)
  }
}

/** Free space for us, in bytes, of the file system that it is on, or will be; undefined where that does not tell. */
export async function freeSpaceAt(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const space = await freeSpaceOf(at).then(
      (free) => ({ free }),
      () => undefined,
    )
    if (space) return space.free
    if (dirname(at) === at) throw new Error(`${path} does not tell its free space`)
  }
}

function wantedIn({ config, path, state }: Settings): readonly Wanted[] {
  const { cluster, hosts, share, upgrade } = config
  const named = ([file, what]: readonly [string | undefined, string]): readonly Wanted[] =>
    file === undefined ? [] : [{ path: path(file), what, kind: 'secret' }]
  const keys = hosts.flatMap(({ name, shutdown }): readonly Wanted[] =>
    'ssh' in shutdown
      ? [{ path: path(shutdown.ssh.key), what: `the private key for ${name}`, kind: 'private-key' }]
      : [],
  )
  const { api } = config as { readonly api?: { readonly tls?: { readonly key?: string } } }
  const all: readonly Wanted[] = [
    ...named([cluster.talosconfig, 'the talosconfig']),
    ...named([cluster.kubeconfig, 'the kubeconfig']),
    ...named([api?.tls?.key, 'the key of the API']),
    ...keys,
    ...secretFilesIn(config, '').map(({ file, setting }): Wanted => ({
      path: path(file),
      what: `the secret of ${setting}`,
      kind: 'secret',
    })),
    { path: join(state, secretsFile), what: 'the secrets of the cluster', kind: 'secret' },
    { path: state, what: 'the state directory', kind: 'private-folder' },
    {
      path: upgrade.snapshots.directory === undefined ? join(state, 'snapshots') : path(upgrade.snapshots.directory),
      what: 'the folder of etcd snapshots',
      kind: 'private-folder',
    },
    { path: path(share.directory), what: 'the share', kind: 'served' },
  ]
  // One file may be named twice.
  return [...new Map(all.map((one) => [one.path, one])).values()]
}

/** Every `{ file: … }`, wherever a section has one. */
function secretFilesIn(
  value: unknown,
  setting: string,
): readonly { readonly file: string; readonly setting: string }[] {
  if (typeof value !== 'object' || value === null) return []
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  const [only] = entries
  if (entries.length === 1 && only?.[0] === 'file' && typeof only[1] === 'string') return [{ file: only[1], setting }]
  return entries.flatMap(([key, one]) => secretFilesIn(one, setting === '' ? key : `${setting}.${key}`))
}
