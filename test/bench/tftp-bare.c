// The least that a TFTP server can do, to tell what of a boot is the client's own: one file in memory, one client at a time, the
// block and window sizes that it asks for, no look at the network but to wait for its acknowledgement.
//
//   tftp-bare ADDRESS FILE
//
// It answers on port 69, whatever the name that is asked for, and sends a window again after a second without an answer.
#define _GNU_SOURCE
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
#include <unistd.h>

#define MOST 64

static const uint8_t *file;
static size_t size;

static int open_socket(const char *address, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &at.sin_addr);
  int s = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
  setsockopt(s, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (bind(s, (struct sockaddr *)&at, sizeof at)) exit(1);
  return s;
}

static void send_window(int s, size_t from, size_t to, size_t block_size) {
  static uint8_t heads[MOST][4];
  static struct iovec parts[MOST][2];
  static struct mmsghdr packets[MOST];
  size_t count = to - from + 1;
  for (size_t i = 0; i < count; i++) {
    size_t block = from + i, offset = (block - 1) * block_size;
    size_t length = size - offset < block_size ? size - offset : block_size;
    memcpy(heads[i], (uint8_t[]){0, 3, block >> 8 & 255, block & 255}, 4);
    parts[i][0] = (struct iovec){heads[i], 4};
    parts[i][1] = (struct iovec){(void *)(file + offset), length};
    packets[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = parts[i], .msg_iovlen = 2}};
  }
  for (size_t sent = 0; sent < count;) {
    int now = sendmmsg(s, packets + sent, count - sent, 0);
    if (now <= 0) return;
    sent += now;
  }
}

static void transfer(const char *address, const struct sockaddr_in *client, const uint8_t *asked, size_t length) {
  size_t block_size = 512, window = 1, said = 2;
  uint8_t answer[512] = {0, 6}, packet[1024];
  const char *word = (const char *)asked + 2, *end = (const char *)asked + length;
  word += strlen(word) + 1;
  for (word += strlen(word) + 1; word < end;) {
    const char *value = word + strlen(word) + 1;
    if (value >= end) break;
    long number = atol(value);
    if (!strcasecmp(word, "blksize")) block_size = number;
    if (!strcasecmp(word, "windowsize")) window = number > MOST ? MOST : number;
    if (!strcasecmp(word, "tsize")) number = size;
    said += snprintf((char *)answer + said, sizeof answer - said, "%s%c%ld", word, 0, number) + 1;
    word = value + strlen(value) + 1;
  }
  int s = open_socket(address, 0);
  connect(s, (const struct sockaddr *)client, sizeof *client);
  size_t blocks = size / block_size + 1, base = 0, sent = 0;
  struct pollfd wait = {.fd = s, .events = POLLIN};
  if (said > 2)
    send(s, answer, said, 0);
  else
    send_window(s, 1, sent = 1, block_size);
  for (int silent = 0; silent < 30;) {
    if (poll(&wait, 1, 1000) == 0) {
      silent++;
      if (sent == 0)
        send(s, answer, said, 0);
      else
        send_window(s, base + 1, sent, block_size);
      continue;
    }
    ssize_t got = recv(s, packet, sizeof packet, 0);
    if (got < 4 || packet[1] != 4) break;
    size_t arrived = base + (uint16_t)((packet[2] << 8 | packet[3]) - base);
    if (arrived > sent || (arrived == base && sent > 0)) continue;
    silent = 0;
    base = arrived;
    if (base == blocks) break;
    sent = base + window < blocks ? base + window : blocks;
    send_window(s, base + 1, sent, block_size);
  }
  close(s);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int f = open(argv[2], O_RDONLY);
  struct stat about;
  if (f < 0 || fstat(f, &about)) return 1;
  size = about.st_size;
  file = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, f, 0);
  int door = open_socket(argv[1], 69);
  for (;;) {
    uint8_t asked[513] = {0};
    struct sockaddr_in client;
    socklen_t length = sizeof client;
    ssize_t got = recvfrom(door, asked, 512, 0, (struct sockaddr *)&client, &length);
    if (got > 4 && asked[1] == 1) transfer(argv[1], &client, asked, got);
  }
}
