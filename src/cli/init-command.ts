import { Option } from 'commander'
import { upgradeTimes } from '../core/setup/choices.ts'
import { command } from './shell.ts'

/** The command that draws up a configuration from what is there. */
export function addInitCommand(): void {
  command('init', 'write the configuration, from what is found by looking', async (options, _args, extra) =>
    (await import('./init/run.ts')).runInit(options, extra),
  )
    .option('--talosconfig <file>', 'leads to the cluster; without one Caretaker is set up before its cluster')
    .option('--context <name>', 'the context in the talosconfig (default: its current one)')
    .option('--kubeconfig <file>', 'only needed where the talosconfig is not of os:admin')
    .option('--copy', 'copy these, and the password of upsd, beside the configuration, for Caretaker alone')
    .option('--ups <server...>', 'where upsd runs, as ADDRESS or ADDRESS:PORT')
    .option('--ups-user <name>', 'user of upsd, so that its primary waits for the cluster')
    .option('--ups-password-file <file>', 'file that holds its password')
    .option('--ups-password-env <name>', 'environment variable that holds its password')
    .option('--share <dir>', 'directory that machines boot from over TFTP')
    .option('--tftp <server>', 'the TFTP server that serves it (default: looked for)')
    .option('--factory <url>', 'the Image Factory (default: that of the nodes, else factory.talos.dev)')
    .option('--schematic <name>', "name of the nodes' schematic (default: homelab)")
    .addOption(new Option('--upgrades <when>', 'when nodes may be upgraded').choices([...upgradeTimes]))
    .option('--time-zone <zone>', 'zone of these times (default: that of this machine)')
    .option('--state <dir>', 'state directory (default: /var/lib/caretaker, or state beside the configuration)')
    .option('--name <name>', 'name of the cluster (default: the context)')
    .option('--answers <file>', 'answers as JSON or YAML; - or nothing but a pipe: from stdin')
    .option('--yes', 'ask nothing: take what is named, and the defaults')
    .option('--force', 'change a configuration that is there without asking')
    .option('--diff', 'show what would be written, and write nothing')
    .option('--no-check', 'do not check the new configuration against the homelab')
    .addHelpText(
      'after',
      `
It only looks: at nodes, Kubernetes, UPSes, the Factory,
and at the share, where a small file is written and
removed. An older configuration is brought up to date:
what was found is entered, the rest stays as it is.

Answers are named as the options are: talosconfig, share,
ups: [192.168.0.6], upsUser, upsPassword (kept in a file
of its own), upgrades, timeZone; feeds: {w-1: [rack]}
says which UPSes feed a machine.`,
    )
}
