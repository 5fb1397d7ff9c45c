import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What a client may be given to trust: who issued the certificate, or the certificate itself. PEM. */
export interface UpsdCertificates {
  readonly ca: string
  readonly certificate: string
}

/** The name in the certificate, beside the address that upsd listens on. */
export const upsdName = 'upsd.lab'

const certutil = '/usr/bin/certutil'

/** Debian's upsd of 2.8.0 takes its certificate from a database of NSS, which libnss3-tools makes. */
export function isCertutilInstalled(): boolean {
  return existsSync(certutil)
}

/** Makes the database in `folder`; answers its files, and the lines of upsd.conf that name it. */
export async function createNssDatabase(
  folder: string,
  address: string,
): Promise<UpsdCertificates & { readonly files: readonly string[]; readonly directives: string }> {
  const password = 'nss'
  await mkdir(folder)
  const [secret, noise] = [join(folder, 'password'), join(folder, 'noise')]
  await writeFile(secret, `${password}\n`)
  await writeFile(noise, randomBytes(256))
  const run = async (...parameters: string[]) => {
    const running = promisify(execFile)(certutil, [...parameters, '-d', folder, '-f', secret])
    const { stdin } = running.child
    // Only -2 asks: whether it is a CA, how long a path, and whether that is critical. Others may be gone by now.
    stdin?.on('error', () => {}).end('y\n\ny\n')
    return (await running).stdout
  }
  await run('-N')
  const make = (name: string, ...how: string[]) =>
    run('-S', '-n', name, '-s', `CN=${name}`, '-z', noise, '-m', `${name.length}`, '-v', '1', '-g', '2048', ...how)
  await make('lab-ca', '-x', '-2', '-t', 'CT,,')
  await make(upsdName, '-c', 'lab-ca', '-t', ',,', '--extSAN', `ip:${address},dns:${upsdName}`)
  return {
    ca: await run('-L', '-a', '-n', 'lab-ca'),
    certificate: await run('-L', '-a', '-n', upsdName),
    files: (await readdir(folder)).map((name) => join(folder, name)),
    directives: `CERTPATH ${folder}\nCERTIDENT ${upsdName} ${password}\n`,
  }
}
