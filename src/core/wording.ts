import { phaseTitles, type PhaseId } from './phase-id.ts'
import type { Step } from './plan.ts'
import { describeVariant } from './release/image.ts'

/** The wording of plans, for people only: no decision reads it. */
export interface Wording {
  /** The phase's title: `forfeit leadership`. */
  titleOf(phase: PhaseId): string
  /** The step as a request: `drain w-1`, `wait until w-1 is upgraded`. */
  describeStep(step: Step): string
}

export const english: Wording = {
  // A record of a version to come may hold a phase that this one has not.
  titleOf: (phase) => phaseTitles[phase] ?? phase,
  describeStep: (step) =>
    'node' in step ? describeNodeStep(step) : 'host' in step ? describeHostStep(step) : describeOther(step),
}

type NodeStep = Extract<Step, { node: string }>
type HostStep = Extract<Step, { host: string }>

function describeNodeStep(step: NodeStep): string {
  const { node } = step
  switch (step.do) {
    case 'pull-image':
      return `pull ${tagOf(step.image)} on ${node}`
    case 'cordon':
      return `cordon ${node}`
    case 'note-failure':
      return `record the failure on ${node}`
    case 'drain':
      return `drain ${node}`
    case 'confirm':
      return `confirm that ${node} may go down`
    case 'snapshot-etcd':
      return `snapshot etcd on ${node}`
    case 'forfeit-leadership':
      return `forfeit etcd leadership on ${node}`
    case 'note-staged':
      return `mark ${node} as staged`
    case 'install':
      return `install ${tagOf(step.image)} on ${node}`
    case 'reboot':
      return `reboot ${node}`
    case 'install-and-reboot':
      return `install ${tagOf(step.image)} on ${node} and reboot it`
    case 'roll-back':
      return `roll back ${node}`
    case 'await-upgraded':
      return `wait until ${node} is upgraded`
    case 'await-rolled-back':
      return `wait until ${node} is rolled back`
    case 'await-checks':
      return `wait until the checks pass on ${node}`
    case 'uncordon':
      return `uncordon ${node}`
    case 'settle':
      return `wait for ${node} to settle`
    case 'shut-down':
      return `shut down ${node}`
    case 'await-down':
      return `wait until ${node} is down`
    case 'bring-back':
      return `wake ${node}`
    default:
      return step satisfies never
  }
}

function describeHostStep(step: HostStep): string {
  switch (step.do) {
    case 'shut-down-host':
      return `shut down ${step.host}`
    case 'await-host-down':
      return `wait until ${step.host} is down`
    case 'bring-back-host':
      return `wake ${step.host}`
    default:
      return step satisfies never
  }
}

function describeOther(step: Exclude<Step, NodeStep | HostStep>): string {
  switch (step.do) {
    case 'await-etcd':
      return 'wait until etcd is healthy'
    case 'scale':
      return `scale ${step.workload.namespace}/${step.workload.name} to ${step.replicas}`
    case 'set-storage':
      return `set ${step.setting.system} ${step.setting.name} to ${step.value}`
    case 'await-storage':
      return 'wait until storage is healthy'
    case 'ups-command':
      return `send ${step.command} to ${step.ups}`
    case 'log-out-of-ups':
      return `log out of ${step.ups}`
    case 'log-in-to-ups':
      return `log in to ${step.ups}`
    case 'stage-image':
      return describeStaging(step)
    default:
      return step satisfies never
  }
}

/** `stage v1.13.9 for arm64 as metal-arm64-uki.efi`; the plain UKI for amd64 is what most homelabs have alone. */
function describeStaging({ image, publishAs }: Extract<Step, { do: 'stage-image' }>): string {
  const variant = describeVariant(image)
  const what = variant === 'amd64' ? image.version : `${image.version} for ${variant}`
  return `stage ${what}${publishAs === undefined ? '' : `, and publish it as ${publishAs}`}`
}

/** `v1.13.9` of `factory.talos.dev/metal-installer/…:v1.13.9`. */
function tagOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1)
}
