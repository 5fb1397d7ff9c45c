/** `silent`: no answer at all; `cut`: it began, and stopped. */
export type ServedTrouble = 'silent' | 'cut' | 'unknown-file' | 'not-allowed' | 'other' | 'unclear'

/**
 * What to do where machines don't get what is published, with the place of each setting on a Synology (DSM 7, as
 * docs/synology.md calls them).
 */
const advice: Readonly<Record<ServedTrouble, string>> = {
  silent:
    'See that the TFTP server runs, and that UDP 69 is let through. On a Synology: Control Panel → File Services → Advanced → TFTP, where a range of allowed addresses must have this machine, and Control Panel → Security → Firewall',
  cut: 'Let UDP through from the ports above 1023 of the TFTP server, which answers from one of them. On a Synology: Control Panel → Security → Firewall',
  'unknown-file':
    'Make share.directory the root folder of the TFTP server. On a Synology: Control Panel → File Services → Advanced → TFTP → TFTP root folder',
  'not-allowed':
    'Let everybody read the folder and FILE: the TFTP server runs as a user of its own. On a Synology: Control Panel → Shared Folder → Edit → Permissions; where the share is mounted by SMB, set file_mode=0644 and dir_mode=0755 in its mount options',
  other:
    'Look for another folder, a copy or a cache behind the TFTP server. On a Synology compare Control Panel → File Services → Advanced → TFTP → TFTP root folder with share.directory',
  unclear: 'See the log of the TFTP server',
}

export function follows(trouble: ServedTrouble, file: string): string {
  return advice[trouble].replace('FILE', file)
}
