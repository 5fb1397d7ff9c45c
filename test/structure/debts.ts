/** What is still to be cut down; nothing may be added. */
export const debts = {
  breaches: [
    'src/engine/catalogue.ts imports src/operations/job.ts',
    'src/engine/in-process.ts imports src/operations/job.ts',
    'src/services/queue/work.ts imports src/agent.ts',
    'src/services/queue/work.ts imports src/main/settings.ts',
  ],
  sizes: [
    'src/adapters/calendar/expand.ts seriesOf',
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
    'src/agent.ts',
    'src/agent.ts createAgent',
    'src/main.ts runDaemon',
  ],
}
