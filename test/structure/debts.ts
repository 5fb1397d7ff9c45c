/** What is still to be cut down; nothing may be added. */
export const debts = {
  breaches: ['src/core/power/shed.ts imports the ports Kubernetes of src/core/cluster/ports.ts'],
  sizes: [
    'src/adapters/calendar/expand.ts seriesOf',
    'src/adapters/journal/journal.ts',
    'src/adapters/journal/journal.ts openJournal',
    'src/adapters/machines/hosts.ts canConnect',
    'src/adapters/machines/ssh.ts shutDownBySsh',
    'src/adapters/machines/ssh.ts rehearseBySsh',
    'src/adapters/machines/ssh.ts run',
    'src/adapters/nut/session.ts createSession',
    'src/adapters/share/share.ts createShare',
    'src/adapters/share/share.ts bring',
    'src/adapters/talos/talos.ts createTalos',
    'src/adapters/talos/talos.ts order',
    'src/adapters/talos/talos.ts installAndReboot',
  ],
}
