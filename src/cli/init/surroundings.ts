import { existsSync } from 'node:fs'

/** How Caretaker is installed here, which decides how a person goes on. */
export type Installation = 'container' | 'unit' | 'by hand'

const [ofImage, usualFile] = ['/usr/local/bin/caretaker-healthy', '/etc/caretaker/caretaker.yaml']
const units = ['/etc/systemd/system/caretaker.service', '/usr/lib/systemd/system/caretaker.service']

/** The unit of systemd reads the usual file and no other. */
export function findInstallation(file: string, isThere: (path: string) => boolean = existsSync): Installation {
  if (isThere(ofImage)) return 'container'
  return file === usualFile && units.some(isThere) ? 'unit' : 'by hand'
}

/** The command that starts the daemon with a configuration. */
export function howToStart(file: string, installation: Installation): string {
  if (installation === 'container') return 'docker compose up -d'
  return installation === 'unit' ? 'systemctl restart caretaker' : `caretaker start -c ${file}`
}

/** What to do where the folder of the configuration can't be written to. */
export function adviceOnFolder(installation: Installation): string {
  return installation === 'container'
    ? 'the agent has its configuration read-only: run `docker compose run --rm init` instead, or without compose mount the folder writable for this one command'
    : 'run this as somebody who may, or name another file with --config FILE'
}
