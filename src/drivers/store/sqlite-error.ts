import { CorralError } from '../../ports/errors.ts';

/** Primary result codes of SQLite that mean something here. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  CONSTRAINT: 19,
  NOTADB: 26,
} as const;

/** node:sqlite says `errcode`, libsql says `rawCode`: both the extended result code. */
interface SqliteFailure extends Error {
  readonly errcode?: unknown;
  readonly rawCode?: unknown;
}

/** Primary result code of an error that SQLite gave; undefined for any other error. */
export const sqliteCode = (error: unknown): number | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { errcode, rawCode } = error as SqliteFailure;
  const code = typeof errcode === 'number' ? errcode : rawCode;
  return typeof code === 'number' ? code & 0xff : undefined;
};

/** Another connection holds the file for the moment: trying again helps. */
export const isBusy = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
};

/** The file is damaged, or is no database. */
export const isCorrupt = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB;
};

const unavailable = (what: string, path: string, hint: string, cause: unknown): CorralError =>
  new CorralError('unavailable', `The records in ${path} ${what}.`, { hint, cause });

/** What SQLite or the file system said, as an error that says what to do. */
export const toStoreError = (error: unknown, path: string): CorralError => {
  if (error instanceof CorralError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  switch (sqliteCode(error)) {
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return unavailable(
        'are held by another process',
        path,
        'Another server writes to this state folder and does not let go; end it, or call again.',
        error,
      );
    case SQLITE.FULL:
      return unavailable(
        'cannot be written: the disk is full',
        path,
        'Free space on the disk of the state folder; what is waiting is then written by itself.',
        error,
      );
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return unavailable(
        `cannot be written (${reason})`,
        path,
        'Give this user write permission on the state folder, or name another in CORRAL_STATE_DIR.',
        error,
      );
    case SQLITE.IOERR:
      return unavailable(
        `cannot be read or written: ${reason}`,
        path,
        'Look at the free space and the health of the disk that holds the state folder.',
        error,
      );
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return unavailable(
        `are damaged: ${reason}`,
        path,
        'Start the server again: it moves the damaged file aside and begins a new one.',
        error,
      );
    default:
      return new CorralError('internal', `The records in ${path} failed: ${reason}`, { cause: error });
  }
};
