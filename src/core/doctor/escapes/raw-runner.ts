/**
 * Programs that make system calls and connections which a shell cannot. Lines of standard input are "name kind argument...";
 * answers are "E name errno", 0 for success. The same in two languages, as most machines have one of them. No single quotes: they are
 * handed over in a shell's. An abstract name is tried as it is and padded to the full length, since servers bind it either way.
 */

export const PYTHON_RUNNER = `
import ctypes, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(words):
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(*[ctypes.c_long(int(w, 0)) for w in words]) == -1 else 0
def connect(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(1)
    s.connect(address)
    return 0
def abstract(name):
    try: return connect(socket.AF_UNIX, name)
    except OSError: return connect(socket.AF_UNIX, name.ljust(108, chr(0)))
for line in sys.stdin:
    name, kind, *words = line.split()
    try:
        if kind == "call": e = call(words)
        elif kind == "tcp": e = connect(socket.AF_INET6 if ":" in words[0] else socket.AF_INET, (words[0], int(words[1])))
        else: e = abstract(chr(0) + words[0])
    except OSError as problem:
        e = problem.errno or 110
    print("E", name, e, flush=True)
`;

export const PERL_RUNNER = `
use Socket;
$| = 1;
sub attempt {
  my ($family, $address) = @_;
  my $e = 110;
  eval {
    local $SIG{ALRM} = sub { die };
    alarm 1;
    my $s;
    $e = socket($s, $family, SOCK_STREAM, 0) && connect($s, $address) ? 0 : $! + 0;
    alarm 0;
  };
  return $e;
}
while (<STDIN>) {
  my ($name, $kind, @words) = split;
  my $e;
  if ($kind eq "call") {
    my @v = map { no warnings; /^0x/ ? hex($_) : $_ + 0 } @words;
    my $number = shift @v;
    $e = syscall($number, @v) == -1 ? $! + 0 : 0;
  } elsif ($kind eq "tcp") {
    my $six = $words[0] =~ /:/;
    my $ip = Socket::inet_pton($six ? AF_INET6 : AF_INET, $words[0]);
    $e = $six ? attempt(AF_INET6, Socket::pack_sockaddr_in6($words[1], $ip)) : attempt(AF_INET, pack_sockaddr_in($words[1], $ip));
  } else {
    my $path = chr(0) . $words[0];
    $e = attempt(AF_UNIX, pack("S a*", AF_UNIX, $path));
    $e = attempt(AF_UNIX, pack("S a108", AF_UNIX, $path)) if $e;
  }
  print "E $name $e\\n";
}
`;
