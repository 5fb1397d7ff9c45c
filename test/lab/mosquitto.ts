import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { createAuthority } from './authority.ts'
import { temporaryFolder } from './process.ts'
import { freePort, isListening } from './sshd.ts'

const program = '/usr/sbin/mosquitto'

/** Why it can't be had here; undefined when it can. */
export function whyNoMosquitto(): string | undefined {
  return spawnSync(program, ['-h']).error === undefined ? undefined : 'mosquitto is missing: apt-get install mosquitto'
}

/** Eclipse Mosquitto, Debian's MQTT broker. */
export interface LabMosquitto extends AsyncDisposable {
  readonly address: string
  /** Where everybody may come in; where a user and a password are asked for; and where TLS is spoken. */
  readonly port: number
  readonly guarded: number
  readonly secure: number
  /** Of the authority that has signed its certificate, PEM. */
  readonly ca: string
  readonly user: string
  readonly password: string
  /** Stops it as it is; it goes on with `goOn`. */
  hang(): void
  goOn(): void
  /** Ends it without a word. What it had retained is forgotten. */
  kill(): Promise<void>
  start(): Promise<void>
}

export async function startMosquitto(address: string): Promise<LabMosquitto> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  // It gives up root, and must still read its files.
  await chmod(folder.path, 0o755)
  const within = (name: string) => join(folder.path, name)
  const authority = await createAuthority('mosquitto')
  const identity = await authority.issueServer({ common: 'broker.lab', ips: [address] })
  const [port, guarded, secure] = [await freePort(address), await freePort(address), await freePort(address)]
  const [user, password] = ['caretaker', 'a secret with spaces']
  await writeFile(within('cert.pem'), identity.cert)
  await writeFile(within('key.pem'), identity.key)
  execFileSync('mosquitto_passwd', ['-b', '-c', within('passwords'), user, password])
  await writeFile(
    within('mosquitto.conf'),
    [
      'per_listener_settings true',
      `listener ${port} ${address}`,
      'allow_anonymous true',
      `listener ${guarded} ${address}`,
      'allow_anonymous false',
      `password_file ${within('passwords')}`,
      `listener ${secure} ${address}`,
      'allow_anonymous true',
      `certfile ${within('cert.pem')}`,
      `keyfile ${within('key.pem')}`,
      'user root',
      '',
    ].join('\n'),
  )
  let child = await run(within('mosquitto.conf'), address, port)
  const kill = async () => {
    const ended = once(child, 'exit')
    if (!child.kill('SIGKILL')) return
    await ended
  }
  stack.defer(kill)
  const parts = stack.move()
  return {
    address,
    port,
    guarded,
    secure,
    ca: authority.ca,
    user,
    password,
    hang: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    kill,
    start: async () => {
      child = await run(within('mosquitto.conf'), address, port)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function run(configuration: string, address: string, port: number) {
  const child = spawn(program, ['-c', configuration], { stdio: 'ignore' })
  while (!(await isListening(address, port))) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`)
    await setTimeout(20)
  }
  return child
}

/** Whoever listens at a broker as Home Assistant does, with all that it has heard. */
export interface Listener extends AsyncDisposable {
  readonly client: MqttClient
  /** The newest by topic, and whether the broker had it before we came. */
  readonly heard: ReadonlyMap<string, Heard>
  /** All payloads of a topic, oldest first. */
  all(topic: string): readonly string[]
  /** Forgets what was heard. */
  forget(): void
  publish(topic: string, payload: string, retain?: boolean): Promise<void>
}

export interface Heard {
  readonly payload: string
  readonly isRetained: boolean
}

export async function listenAt(
  { address, port }: Pick<LabMosquitto, 'address' | 'port'>,
  version: 4 | 5 = 5,
): Promise<Listener> {
  const client = await connectAsync(`mqtt://${address}:${port}`, { protocolVersion: version, reconnectPeriod: 0 })
  const heard = new Map<string, Heard>()
  const all: { readonly topic: string; readonly payload: string }[] = []
  client.on('message', (topic, bytes, { retain }) => {
    const payload = bytes.toString('utf8')
    heard.set(topic, { payload, isRetained: retain })
    all.push({ topic, payload })
  })
  await client.subscribeAsync('#')
  return {
    client,
    heard,
    all: (topic) => all.flatMap((one) => (one.topic === topic ? [one.payload] : [])),
    forget: () => {
      heard.clear()
      all.length = 0
    },
    publish: async (topic, payload, retain = false) =>
      void (await client.publishAsync(topic, payload, { retain, qos: 1 })),
    [Symbol.asyncDispose]: () => client.endAsync(true),
  }
}
