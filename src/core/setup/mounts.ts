/** What a folder is mounted from, as the kernel lists mounts (proc_pid_mountinfo(5)): the host of an NFS or SMB share. */
export function serverOfMount(mountinfo: string, directory: string): string | undefined {
  let longest: { readonly point: string; readonly type: string; readonly source: string } | undefined
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const point = unescape(before.split(' ')[4] ?? '')
    const [type = '', source = ''] = after.split(' ')
    if (point === '' || !isBelow(directory, point)) continue
    // Of mounts over one another the last one counts.
    if (!longest || point.length >= longest.point.length) longest = { point, type, source: unescape(source) }
  }
  if (!longest) return undefined
  if (longest.type.startsWith('nfs')) return /^\[?([^\]]+?)\]?:\//.exec(longest.source)?.[1]
  if (longest.type === 'cifs' || longest.type === 'smb3') return /^\/\/([^/]+)\//.exec(`${longest.source}/`)?.[1]
  return undefined
}

function isBelow(path: string, point: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`)
}

/** Blanks and backslashes stand there in octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
