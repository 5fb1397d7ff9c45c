/**
 * What the system says of a file, and OpenSSL of a certificate or key, in words that fit behind `can't be read:`. The one
 * place for them: Node's own are a code, a call and the path once more (`EISDIR: illegal operation on a directory, read`), or
 * `error:0480006C:PEM routines::no start line`.
 */
const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'it exists already',
  EFBIG: 'it is too large for the file system',
  EINVAL: 'the file system refuses it',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a directory',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  EMLINK: 'too many links lead to it',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'too many files are open on this machine',
  EHOSTDOWN: 'its server is down',
  ENODEV: 'the device is gone',
  ENOENT: 'it does not exist',
  ENOSPC: 'no space is left on the disk',
  ENOTCONN: 'nothing serves the mount any more',
  ENOTDIR: 'a part of its path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  ENOTSUP: "the file system can't do that",
  ENXIO: 'nothing is at its other end',
  EOPNOTSUPP: "the file system can't do that",
  EPERM: 'this user may not do that',
  EROFS: 'the file system is mounted read-only',
  ESTALE: 'the share was exported again: mount it again',
  ETIMEDOUT: 'the disk did not answer',
  ETXTBSY: 'a program runs from it',
  EXDEV: 'it is on another file system',
}

/** Calls that read one file, which whoever asks has named already. */
const reading = new Set('access fstat lstat open opendir read readlink scandir stat'.split(' '))
/** Calls that change something, and may do so beside what was named. */
const changing = new Set(
  (
    'chmod chown copyfile fchmod fdatasync fsync ftruncate futime link mkdir mkdtemp ' +
    'realpath rename rm rmdir statfs symlink truncate unlink utime write'
  ).split(' '),
)

/** By the code that Node makes of OpenSSL's reason. */
const ofSecurity: Readonly<Record<string, string>> = {
  ERR_OSSL_BAD_DECRYPT: 'the key has a passphrase: use one without',
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: 'the key has a passphrase: use one without',
  ERR_OSSL_PEM_NO_START_LINE: 'no PEM block (-----BEGIN …) begins in it',
  ERR_OSSL_UNSUPPORTED: 'the key is damaged, or of an unknown type',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key is not the one of the certificate',
}

/**
 * The words for a failure of the file system, or of reading a certificate or key; undefined where it is none, or one that
 * has no words here.
 */
export function wordsOfSystemError(error: Error): string | undefined {
  const { code, syscall, path, dest } = error as Error & Readonly<Record<'code' | 'syscall' | 'path' | 'dest', unknown>>
  if (typeof code !== 'string') return undefined
  if (code.startsWith('ERR_OSSL_') && error.message.startsWith('error:'))
    return Object.hasOwn(ofSecurity, code) ? ofSecurity[code] : 'it is damaged'
  // Node quotes the path, which may be a secret that stands where its file is to be named.
  if (code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes'))
    return 'its name contains a NUL character'
  if (typeof syscall !== 'string') return undefined
  const said = Object.hasOwn(words, code) ? words[code] : undefined
  if (said === undefined || (!reading.has(syscall) && !changing.has(syscall))) return undefined
  const place = typeof dest === 'string' ? dest : path
  return changing.has(syscall) && typeof place === 'string' ? `${said} (${place})` : said
}
