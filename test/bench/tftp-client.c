// A TFTP client for measurements: fetches a file, compares it with one that is here, and says how long it took.
//
//   tftp-client HOST PORT NAME FILE BLKSIZE WINDOWSIZE DELAY_US LOSS SEED STYLE
//
// LOSS is the share of DATA packets that it drops, DELAY_US how long it thinks before each acknowledgement. STYLE is `edk2`
// (every unexpected block is acknowledged, and the window counted anew: MdeModulePkg's Mtftp4RrqHandleData) or `rfc` (one
// acknowledgement a gap: RFC 7440). $FROM is the address that it asks from. Prints milliseconds, blocks of the file, packets of data that came, and what became of it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static uint64_t state;
static double chance(void) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (double)(state >> 11) / 9007199254740992.0;
}

static void think(long micros) {
  if (micros <= 0) return;
  double until = now() + micros / 1e3;
  // Spinning, because a sleep is longer than it says.
  while (now() < until) {
  }
}

// The port that answers first is the transfer's.
static ssize_t receive(int s, uint8_t *packet, size_t size, struct sockaddr_in *to, socklen_t *length) {
  if (!to) return recv(s, packet, size, MSG_DONTWAIT);
  struct sockaddr_in from;
  ssize_t got = recvfrom(s, packet, size, MSG_DONTWAIT, (struct sockaddr *)&from, length);
  if (got >= 0) *to = from;
  return got;
}

int main(int argc, char **argv) {
  if (argc != 11) return 2;
  const char *host = argv[1], *name = argv[3];
  int port = atoi(argv[2]), block_size = 512, window = 1;
  int want_block = atoi(argv[5]), want_window = atoi(argv[6]);
  long delay = atol(argv[7]);
  double loss = atof(argv[8]);
  state = strtoull(argv[9], NULL, 10) * 2654435761ULL + 1;
  int edk2 = strcmp(argv[10], "edk2") == 0;

  int file = open(argv[4], O_RDONLY);
  struct stat info;
  if (file < 0 || fstat(file, &info) < 0) return 2;
  uint64_t size = (uint64_t)info.st_size;
  const uint8_t *bytes = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0) : (const uint8_t *)"";

  int s = socket(AF_INET, SOCK_DGRAM, 0);
  int buffer = 4 << 20;
  setsockopt(s, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (getenv("FROM")) {
    struct sockaddr_in own = {.sin_family = AF_INET};
    inet_pton(AF_INET, getenv("FROM"), &own.sin_addr);
    if (bind(s, (struct sockaddr *)&own, sizeof own)) return 2;
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &to.sin_addr);

  char request[600];
  int length = 2;
  request[0] = 0;
  request[1] = 1;
  length += sprintf(request + length, "%s", name) + 1;
  length += sprintf(request + length, "octet") + 1;
  length += sprintf(request + length, "blksize") + 1;
  length += sprintf(request + length, "%d", want_block) + 1;
  if (want_window > 1) {
    length += sprintf(request + length, "windowsize") + 1;
    length += sprintf(request + length, "%d", want_window) + 1;
  }

  uint8_t packet[70000], ack[4] = {0, 4, 0, 0};
  uint64_t expected = 1, received = 0, offset = 0, count = 0;
  int begun = 0, missing = 0;
  const char *end = "timeout";
  double start = now(), heard = start;
  int tries = 0;
  sendto(s, request, (size_t)length, 0, (struct sockaddr *)&to, sizeof to);
  for (;;) {
    struct pollfd p = {.fd = s, .events = POLLIN};
    socklen_t from = sizeof to;
    ssize_t got = receive(s, packet, sizeof packet, begun ? NULL : &to, &from);
    if (got < 0 && poll(&p, 1, 200) > 0) got = receive(s, packet, sizeof packet, begun ? NULL : &to, &from);
    if (got < 0) {
      if (now() - heard < 4000) continue;
      if (++tries > 6) break;
      heard = now();
      if (begun)
        send(s, ack, 4, 0);
      else
        sendto(s, request, (size_t)length, 0, (struct sockaddr *)&to, sizeof to);
      continue;
    }
    if (got < 4) continue;
    if (packet[1] == 5) {
      end = "error";
      fprintf(stderr, "error %d: %.*s\n", packet[3], (int)got - 4, packet + 4);
      break;
    }
    if (packet[1] == 6) {
      if (!begun) {
        begun = 1;
        connect(s, (struct sockaddr *)&to, sizeof to);
        for (char *word = (char *)packet + 2; word < (char *)packet + got;) {
          char *value = word + strlen(word) + 1;
          if (strcasecmp(word, "blksize") == 0) block_size = atoi(value);
          if (strcasecmp(word, "windowsize") == 0) window = atoi(value);
          word = value + strlen(value) + 1;
        }
      }
      heard = now();
      send(s, ack, 4, 0);
      continue;
    }
    if (packet[1] != 3) continue;
    if (!begun) {
      begun = 1;
      connect(s, (struct sockaddr *)&to, sizeof to);
    }
    received += 1;
    if (loss > 0 && chance() < loss) continue;
    uint16_t number = (uint16_t)(packet[2] << 8 | packet[3]);
    if (number != (uint16_t)expected) {
      int again = number == (uint16_t)(expected - 1);
      if (!edk2 && missing && !again) continue;
      missing = 1;
      count = 0;
      uint16_t last = (uint16_t)(expected - 1);
      ack[2] = (uint8_t)(last >> 8);
      ack[3] = (uint8_t)last;
      think(delay);
      send(s, ack, 4, 0);
      continue;
    }
    missing = 0;
    tries = 0;
    heard = now();
    size_t part = (size_t)got - 4;
    if (offset + part > size || memcmp(bytes + offset, packet + 4, part) != 0) {
      end = "different";
      break;
    }
    offset += part;
    int is_last = part < (size_t)block_size;
    count += 1;
    if (is_last || count >= (uint64_t)window) {
      ack[2] = packet[2];
      ack[3] = packet[3];
      count = 0;
      think(delay);
      send(s, ack, 4, 0);
    }
    if (is_last) {
      end = offset == size ? "whole" : "short";
      break;
    }
    expected += 1;
  }
  printf("{\"ms\":%.1f,\"blocks\":%llu,\"packets\":%llu,\"window\":%d,\"end\":\"%s\"}\n", now() - start,
         (unsigned long long)expected, (unsigned long long)received, window, end);
  return strcmp(end, "whole") == 0 ? 0 : 1;
}
