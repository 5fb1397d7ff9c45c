/** What a person risks by a machine that waits in maintenance. */
export const maintenanceRisk =
  'While it waits in maintenance anybody on its network can read its kernel arguments and its disks’ names, and wipe them: decide soon'
