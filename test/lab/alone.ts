// The lab by itself, for outside clients and for playing: `npm run lab`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { homelabSchematic, startHomelab } from './homelab.ts'
import { isUpsdInstalled, startUpsd } from './upsd/upsd.ts'
import { startUpsdStandIn } from './upsd/stand-in.ts'

await using stack = new AsyncDisposableStack()
const directory = await mkdtemp(join(tmpdir(), 'caretaker-lab-'))
stack.defer(() => rm(directory, { recursive: true, force: true }))
const upsd = stack.use(
  isUpsdInstalled() ? await startUpsd({ address: '127.0.70.93' }) : await startUpsdStandIn({ address: '127.0.70.93' }),
)
const lab = stack.use(
  await startHomelab({
    net: 70,
    versions: ['v1.13.9', 'v1.14.0', 'v1.14.1'],
    nas: true,
    pace: { pull: 2_000, install: 4_000, stop: 2_000, boot: 5_000, settle: 3_000 },
  }),
)
lab.kubernetes.addDeployment({ name: 'web', replicas: 3, labels: { app: 'web' } })
lab.kubernetes.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 2 })
lab.kubernetes.addDeployment({ name: 'films', namespace: 'media', replicas: 2, labels: { tier: 'batch' } })
// What Kubernetes brings along, and `talosctl health` looks for; the static pods of control planes are there.
for (const { name } of lab.nodes)
  lab.kubernetes.addPod({
    node: name,
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-proxy' },
    owner: { kind: 'DaemonSet', name: 'kube-proxy' },
  })
lab.kubernetes.addDeployment({
  name: 'coredns',
  namespace: 'kube-system',
  replicas: 2,
  labels: { 'k8s-app': 'kube-dns' },
})
const config = await lab.writeConfig(directory, {
  ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
  upgrade: { soak: '30s', settle: '5s' },
  power: { drainTimeout: '20s', shutdownTimeout: '20s', shed: [{ selector: 'tier=batch' }], shedAfter: '10s' },
})
const kubeconfig = join(directory, 'kubeconfig')
// As whoever first asked for the nodes' image did.
const posted = await fetch(`${lab.factory.url}/schematics`, { method: 'POST', body: stringify(homelabSchematic) })
const { id: schematic } = (await posted.json()) as { readonly id: string }
const installer = `${new URL(lab.factory.url).host}/metal-installer/${schematic}`
const talosctl = `talosctl --talosconfig ${join(directory, 'talosconfig')}`
console.log(`A homelab of stand-ins runs until Ctrl-C:

  nas         ${lab.nas?.address}:${lab.nas?.port}
  nodes       ${lab.nodes.map(({ name, address }) => `${name} ${address}`).join(', ')}
  Factory     ${lab.factory.url}
  upsd        ${upsd.address}:${upsd.port} (upsc ${upsd.upsName}@${upsd.address}:${upsd.port})
  share       ${join(directory, 'share')}
  talosconfig ${join(directory, 'talosconfig')}

  bin/caretaker start -c ${config}
  bin/caretaker status -c ${config}
  bin/caretaker drill power --dry-run -c ${config}
  bin/caretaker ups --watch -c ${config}
  kubectl --kubeconfig ${kubeconfig} get nodes
  ${talosctl} -n ${lab.nodes[0]?.address} health
  ${talosctl} -n ${lab.nodes.at(-1)?.address} upgrade --image ${installer}:v1.14.1
  upsrw -s ups.status="OB DISCHRG" -u admin -p adminpw ${upsd.upsName}@${upsd.address}:${upsd.port}   (then "OB DISCHRG LB", then "OL CHRG")`)
await new Promise<void>((resolve) => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
})
