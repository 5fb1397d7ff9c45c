import type { FakeHomelab } from './homelab.ts'
import type { FakeMachine } from './machine.ts'

export interface Judge {
  /** What was done that must not be, with the entry of the diary. */
  readonly breaches: string[]
  /** Called with each entry before it takes effect. */
  look(entry: string): void
}

/**
 * Looks at each order that takes a node away: whether etcd keeps its quorum without it, and whether no more nodes are
 * away by our hand than may be. What a fault or a person takes away is not ours; taking another one beside it is.
 */
export function judgeOf(homelab: FakeHomelab, { parallel = 1 }: { parallel?: number } = {}): Judge {
  const breaches: string[] = []
  const machines = [...homelab.machines.values()]
  const voters = machines.filter(({ role }) => role === 'controlplane')
  const serves = ({ up, stage }: FakeMachine) => up && stage === 'running'

  return {
    breaches,
    look: (entry) => {
      const [what = '', name = ''] = entry.split(' ')
      const machine = homelab.machines.get(name)
      if (!machine || !['reboot', 'install-and-reboot', 'roll-back', 'install', 'drain'].includes(what)) return
      const says = (text: string) => breaches.push(`${entry}: ${text}`)
      if (machine.unschedulable && machine.mark === undefined) says("it carries somebody else's cordon")
      // Whichever address the order went to, it reached this machine: it must be the one that was cordoned for it.
      if (what !== 'drain' && what !== 'roll-back' && machine.mark?.why !== 'upgrade') says('we have not cordoned it')
      // Who is not well takes nothing away by going back.
      if (what === 'roll-back' && !serves(machine)) return
      const others = machines.filter((other) => other !== machine)
      const gone = others.filter((other) => !serves(other))
      if (machine.role === 'controlplane') {
        const left = voters.filter((other) => other !== machine && serves(other)).length
        if (voters.length > 1 && left < Math.floor(voters.length / 2) + 1 && what !== 'drain')
          says(`etcd keeps ${left} of ${voters.length} members`)
        if (gone.some(({ role }) => role === 'controlplane') && what !== 'drain') says('two control planes are away')
        return
      }
      const away = gone.filter(({ role }) => role === 'worker').length
      if (what.endsWith('reboot') && away + 1 > parallel) says(`${away + 1} workers are away, and ${parallel} may be`)
    },
  }
}
