/** Who one is inside, whatever the uid outside; and the files that say so. No name of a host user, no name of a host. */

export const SANDBOX_UID = 1000;
export const SANDBOX_HOME = '/home/sandbox';
export const SANDBOX_HOSTNAME = 'sandbox';

export const PASSWD = [
  'root:x:0:0:root:/root:/usr/sbin/nologin',
  `sandbox:x:${String(SANDBOX_UID)}:${String(SANDBOX_UID)}:sandbox:${SANDBOX_HOME}:/bin/sh`,
  'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  '',
].join('\n');

export const GROUP = ['root:x:0:', `sandbox:x:${String(SANDBOX_UID)}:`, 'nogroup:x:65534:', ''].join('\n');

export const HOSTS = [`127.0.0.1 localhost ${SANDBOX_HOSTNAME}`, '::1 localhost ip6-localhost ip6-loopback', ''].join('\n');
