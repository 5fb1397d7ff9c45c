import { failed, type Finding, ok, skipped, warning } from './check.ts'

/** A file or folder whose mode matters, as it is. */
export interface FileAccess {
  readonly path: string
  /** What it is: `the private key of nas`. */
  readonly what: string
  /**
   * What others may do with it. `private-key`: ssh refuses a key that anybody else can read. `secret`: only its user and
   * group may read it. `private-folder`: only its user. `served`: everybody must be able to read it.
   */
  readonly kind: 'private-key' | 'secret' | 'private-folder' | 'served'
  /** Undefined where there is nothing. */
  readonly found:
    | {
        readonly mode: number
        readonly uid: number
        readonly gid?: number
        /** It belongs to the user that Caretaker runs as, who may change its mode; so may root. */
        readonly isOurs: boolean
        readonly mayChange: boolean
      }
    | undefined
  /** Who runs the daemon, where that is not us: must be able to read it. */
  readonly reader?: { readonly uid: number; readonly gid: number } | undefined
}

/** The bits that must not be set, and those that must. */
const rules: Readonly<Record<FileAccess['kind'], { readonly never: number; readonly always: number }>> = {
  'private-key': { never: 0o077, always: 0 },
  secret: { never: 0o007, always: 0 },
  'private-folder': { never: 0o077, always: 0o700 },
  served: { never: 0, always: 0o005 },
}

/** The mode that it should have; undefined where it has it. */
export function wantedMode({ kind, found }: FileAccess): number | undefined {
  if (!found) return undefined
  const { never, always } = rules[kind]
  const wanted = (found.mode & ~never) | always
  return wanted === found.mode ? undefined : wanted
}

/** Whether it can be mended safely: the mode of what is ours, and a folder of our own that is missing. */
export function canMend(file: FileAccess): boolean {
  if (file.found) return file.found.mayChange && wantedMode(file) !== undefined && !isOfRoot(file)
  return file.kind === 'private-folder'
}

/** A folder of root's, such as a volume, is left as it is: nobody else can replace what is in it, unless all may write there. */
function isOfRoot({ kind, found }: FileAccess): boolean {
  if (kind !== 'private-folder' || found?.uid !== 0 || found.isOurs) return false
  // With the sticky bit, as a volume of the container has it, nobody can replace what is another's.
  return (found.mode & 0o002) === 0 || (found.mode & 0o1000) !== 0
}

/** Whether the daemon's user may read a secret that root has looked at. */
function isReadable({ kind, found, reader }: FileAccess): boolean {
  if (!found || !reader || kind === 'private-folder' || kind === 'served') return true
  const { mode, uid, gid } = found
  if (uid === reader.uid) return (mode & 0o400) !== 0
  return (mode & (gid === reader.gid ? 0o040 : 0o004)) !== 0
}

/** Who may read and write it, against who must. A file that is missing is told by whoever reads it. */
export function judgeAccess(file: FileAccess): Finding {
  const { path, what, kind, found } = file
  if (!found) return skipped(`${path}, ${what}, is made when it is needed`)
  if (!isReadable(file))
    return failed(
      `${path}, ${what}, can't be read by the user ${file.reader!.uid}, who runs the daemon`,
      `Run \`chown ${file.reader!.uid} ${path}\``,
    )
  const wanted = wantedMode(file)
  if (wanted === undefined || isOfRoot(file))
    return ok(`${path} is ${kind === 'served' ? 'readable for the TFTP server' : 'kept from others'}`)
  const cure = `Run \`chmod ${octal(wanted)} ${path}\`${found.mayChange ? ', or `caretaker doctor --fix`' : `, as the user ${found.uid} that it belongs to`}`
  if (kind === 'served')
    return warning(
      `${path} is not for others to read, and is ${what}: most TFTP servers run as a user of their own`,
      cure,
    )
  // ssh looks at the mode where the file is its own user's (sshkey_perm_ok in authfile.c).
  if (kind === 'private-key' && found.isOurs) return failed(`ssh refuses ${path}, ${what}: others can read it`, cure)
  if (kind === 'private-key' && (found.mode & 0o007) === 0) return ok(`${path} is kept from others`)
  return warning(`others may read ${path}, ${what} (its mode is ${octal(found.mode)})`, cure)
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(3, '0')
}
