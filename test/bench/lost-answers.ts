import { once } from 'node:events'
import { createTalos } from '../../src/adapters/talos/talos.ts'
import { messageOf } from '../../src/core/errors.ts'
import { createAuthority } from '../lab/authority.ts'
import { createEtcd } from '../lab/talos/etcd.ts'
import { slowWire } from '../lab/slow-wire.ts'
import { createTalosNode } from '../lab/talos/node.ts'

/**
 * Counts the observations of a node that are lost, or that lack its etcd, where its answers arrive in one piece: what an
 * http2 stream of Node 24.20 and later loses when it is iterated. Takes the number of observations for each delay (1000);
 * runs on the Node that starts it: `node test/bench/lost-answers.ts 1000`.
 */
const count = Number(process.argv[2] ?? 1_000)
/** So many at the same time. */
const together = 6

const authority = await createAuthority('talos')
await using node = createTalosNode({
  name: 'cp-1',
  role: 'controlplane',
  address: '127.0.83.1',
  version: 'v1.14.1',
  schematic: '3'.repeat(64),
  authority,
  etcd: createEtcd(),
  resolveImage: () => undefined,
})
const ready = new Promise<void>((resolve) => node.onChange(() => node.ready && resolve()))
await node.start()
await ready
const identity = await authority.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
const credentials = { ca: authority.ca, ...identity, roles: ['os:admin'], expires: new Date(Date.now() + 86_400_000) }

for (const delay of [0, 30, 150]) {
  await using wire = await slowWire(node, delay)
  const talos = createTalos({ nodes: [{ name: 'cp-1', role: 'controlplane', address: wire.address }], credentials })
  const losses = new Map<string, number>()
  const note = (why: string) => losses.set(why, (losses.get(why) ?? 0) + 1)
  let begun = 0
  const observe = async () => {
    while (begun++ < count) {
      try {
        const { etcd } = await talos.observe('cp-1', AbortSignal.timeout(60_000))
        if (!etcd?.ok) note(`etcd unseen: ${etcd?.error}`)
      } catch (error) {
        note(messageOf(error).replace(wire.address, '…'))
      }
    }
  }
  await Promise.all(Array.from({ length: together }, observe))
  const lost = [...losses.values()].reduce((sum, one) => sum + one, 0)
  const why = [...losses].map(([text, times]) => `${times} × ${text}`).join('; ')
  console.log(`Node ${process.version}, ${delay} ms: ${lost} of ${count} lost${why && ` (${why})`}`)
}
if (!process.stdout.writableLength) process.exit()
await once(process.stdout, 'drain')
process.exit()
