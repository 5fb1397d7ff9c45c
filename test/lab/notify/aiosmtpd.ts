import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createAuthority } from '../authority.ts'
import { temporaryFolder } from '../process.ts'
import { freePort, isListening } from '../sshd.ts'

/** Python's own mail server, with what it took. */
export interface LabAiosmtpd extends AsyncDisposable {
  readonly port: number
  /** Of its authority, PEM. */
  readonly ca: string
  /** The mails, as they came, in no order. */
  mails(): Promise<readonly string[]>
}

const python = '/usr/bin/python3'

/** Why it can't be had here; undefined when it can. */
export function whyNoAiosmtpd(): string | undefined {
  return spawnSync(python, ['-c', 'import aiosmtpd']).status === 0 ? undefined : 'aiosmtpd is not installed'
}

export async function startAiosmtpd({
  address,
  tls,
  largest,
}: {
  readonly address: string
  readonly tls: 'starttls' | 'implicit' | 'none'
  /** In bytes, of a mail. */
  readonly largest: number
}): Promise<LabAiosmtpd> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const authority = await createAuthority('aiosmtpd')
  const identity = await authority.issueServer({ common: 'mail.lab', ips: [address] })
  const within = (name: string) => join(folder.path, name)
  const [cert, key, mailbox] = [within('cert.pem'), within('key.pem'), within('mailbox')]
  await writeFile(cert, identity.cert)
  await writeFile(key, identity.key)
  const option = { starttls: 'tls', implicit: 'smtps', none: undefined }[tls]
  const files = option === undefined ? [] : [`--${option}cert`, cert, `--${option}key`, key]
  const port = await freePort(address)
  const where = ['--listen', `${address}:${port}`, '--size', String(largest)]
  const child = spawn(
    python,
    ['-m', 'aiosmtpd', '--nosetuid', ...where, ...files, '--class', 'aiosmtpd.handlers.Mailbox', mailbox],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  stack.defer(async () => {
    child.kill()
    await ended
  })
  while (!(await isListening(address, port))) {
    if (child.exitCode !== null) throw new Error(`aiosmtpd ended with ${child.exitCode}`)
    await setTimeout(20)
  }
  const parts = stack.move()
  return {
    port,
    ca: authority.ca,
    mails: async () => {
      const names = await readdir(join(mailbox, 'new'))
      return Promise.all(names.map((name) => readFile(join(mailbox, 'new', name), 'latin1')))
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
