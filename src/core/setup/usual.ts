/** What the configuration means where it names no Image Factory. */
export const usualFactory = 'https://factory.talos.dev'

/** The port of upsd (IANA's registry; RFC 9271, section 8). */
export const usualUpsdPort = 3493
