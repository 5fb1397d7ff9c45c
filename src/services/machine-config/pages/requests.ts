import { AgentError } from '../../../core/errors.ts'
import type { MachineDetails } from '../../../core/provision/requests.ts'
import type { Asking, Given, PageField, PageRequest } from '../../../operations/pages.ts'
import { maintenanceRisk } from './words.ts'
import { wantedIn } from './wanted.ts'

const machine: PageField = { kind: 'given', name: 'machine' }
const given = (name: string): PageField => ({ kind: 'given', name })

/** What a person requests of a machine on its way into the cluster. */
export const machineRequests: Readonly<Record<string, PageRequest>> = {
  approve: {
    title: 'Let this machine have its configuration?',
    label: 'Approve it',
    scope: 'admin',
    fields: [
      machine,
      ...['role', 'name', 'labels', 'patches', 'fingerprint'].map(given),
      {
        kind: 'check',
        name: 'force',
        label: 'Even if the cluster is whole, or nothing speaks for it (control planes)',
      },
    ],
    shown: ({ machine: name = '' }, { operator }) => {
      const key = operator.machines.find({ machine: name }).maintenance?.fingerprint
      // One that the address brought is not what the person is shown.
      return { fingerprint: key ?? '' }
    },
    preview: (form, asking) => previewApproval(form, asking),
    text: async (form, asking) => (await rendered(form, asking)).diff.join('\n'),
    perform: async (form, { operator }, asked) => (await operator.machines.approve(wantedIn(form), asked)).said,
  },
  reject: {
    title: 'Give this machine no configuration?',
    label: 'Reject it',
    scope: 'operate',
    fields: [machine, { kind: 'text', name: 'reason', label: 'Why (for the journal)', most: 200 }],
    preview: ({ machine: name = '' }, { operator }) => {
      const details = operator.machines.find({ machine: name })
      return [
        `${describe(details)} is answered that it was rejected, until someone approves or forgets it`,
        ...(details.approval === undefined ? [] : ['What was approved for it is withdrawn']),
      ]
    },
    perform: async ({ machine: name = '', reason }, { operator }, asked) =>
      (await operator.machines.reject({ machine: name, reason }, asked)).said,
  },
  forget: {
    title: 'Forget this machine?',
    label: 'Forget it',
    scope: 'operate',
    fields: [machine],
    preview: ({ machine: name = '' }, { operator }) => [
      `Everything that is known of ${describe(operator.machines.find({ machine: name }))} is forgotten`,
      'If it asks again it is new, and a person has to decide',
      'A node that has joined stays a node: to remove it, take it out of the cluster first',
    ],
    perform: async ({ machine: name = '' }, { operator }, asked) =>
      (await operator.machines.forget({ machine: name }, asked)).said,
  },
}

function describe({ mac, id, address, code }: MachineDetails): string {
  const at = address === undefined ? '' : ` at ${address}`
  return `${mac ?? id}${at}${code === undefined ? '' : `, whose console shows ${code},`}`
}

/** Who looks changes nothing, so it does not matter who it is. */
const viewer = { name: 'dashboard', verified: false }

async function rendered(form: Given, { operator, signal }: Asking) {
  const wanted = wantedIn(form)
  const order = operator.machines.orderFor(wanted)
  return operator.machineConfigs.render({ machine: wanted.machine, ...order }, { by: viewer, signal })
}

/** What it becomes, what speaks for it and what does not, and what is risked. */
async function previewApproval(form: Given, asking: Asking): Promise<readonly string[]> {
  const details = asking.operator.machines.find({ machine: form['machine'] ?? '' })
  if (details.state === 'seen') throw new AgentError('rejected', 'it has not asked for a configuration yet')
  const { name, role, installs, contract, patches, warnings } = await rendered(form, asking)
  const chosen = patches.length === 0 ? 'without patches' : `with ${patches.join(', ')}`
  const { fingerprint = '' } = form
  return [
    `Compare: the console of the machine must show ${details.code ?? 'a code'}${fingerprint === '' ? '' : ` and the certificate fingerprint ${fingerprint}`}`,
    ...(details.way === 'maintenance' && fingerprint === ''
      ? ['Its key has not been seen yet and can not be compared: go back and wait, Caretaker looks for it every 5 s']
      : []),
    `${details.mac ?? details.id} at ${details.address ?? 'an unknown address'} gets, once and within 30 min, the configuration of the ${role} ${name}, with secrets of the cluster`,
    `It installs ${installs.version} (schematic ${installs.schematic.slice(0, 12)}), written for Talos ${contract}, ${chosen}`,
    ...(role === 'controlplane'
      ? ['A control plane gets the keys of every CA: whoever has its configuration has the cluster']
      : []),
    ...(details.way === 'maintenance' ? [maintenanceRisk] : []),
    ...details.evidence.map(({ kind, text }) => `${evidenceWords[kind]}: ${text}`),
    ...warnings,
  ]
}

const evidenceWords = { for: 'Speaks for it', missing: 'Missing', odd: 'Odd' } as const
