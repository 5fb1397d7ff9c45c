#!/usr/bin/perl
# /usr/bin/caretaker of the package for Debian: starts it with the Node that came along. Node has no datagram sockets of unix,
# which systemd is told by that the daemon lives, so the socket is opened here and handed on (src/main/systemd.ts). Perl
# is what every Debian has (perl-base is essential).
use strict;
use Fcntl;
use Socket;

my $home = $ENV{CARETAKER_HOME} // '/usr/lib/caretaker';
delete $ENV{CARETAKER_NOTIFY_FD};
my $socket;
if (defined(my $path = $ENV{NOTIFY_SOCKET})) {
    local $^F = 255;    # the descriptor stays open in what we become
    my $name = $path =~ s/^\@/\0/r;
    if (socket($socket, AF_UNIX, SOCK_DGRAM, 0) && connect($socket, pack_sockaddr_un($name))) {
        # A queue that is full is no reason to wait.
        fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
        my $fd = fileno($socket);
        $ENV{CARETAKER_NOTIFY_FD} = "$fd " . readlink("/proc/self/fd/$fd");
    }
}
# Options that the daemon would otherwise restart itself with (bin/caretaker.mjs), which would lose the socket.
my @light = (grep { $_ eq 'start' } @ARGV) && !-e "$home/src/cli.ts" ? ('--jitless') : ();
$ENV{MALLOC_ARENA_MAX} //= '1' if @light;
exec { "$home/node" } "$home/node", @light, "$home/bin/caretaker.mjs", @ARGV;
die "caretaker: $home/node: $!\n";
