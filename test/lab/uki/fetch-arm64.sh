#!/bin/sh
# Debian's kernel, systemd's stub and binutils for arm64, unpacked into a folder and not installed: what an image for the other
# architecture is built of on amd64.    ./fetch-arm64.sh /tmp/uki-cache-arm64
set -eu
folder=$1; apt=$folder/apt
[ -e "$folder/busybox" ] && [ -e "$folder/tools" ] && [ -e "$folder/root/boot" ] && [ -e "$folder/linuxaa64.efi.stub" ] && exit 0
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$folder/packages"
: >"$apt/status"
# A list of packages of its own: the machine's stay as they are.
cat >"$apt/conf" <<E2
APT::Architecture "arm64"; APT::Architectures { "arm64"; };
Dir::State "$apt/state"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache"; Dir::Etc "/etc/apt"; APT::Sandbox::User "root";
E2
cd "$folder/packages"
apt-get -qq -c "$apt/conf" update
kernel=$(apt-cache -c "$apt/conf" depends linux-image-cloud-arm64 | awk '/Depends:/{print $2; exit}')
apt-get -qq -c "$apt/conf" download systemd-boot-efi busybox-static "$kernel"
apt-get -qq -o APT::Sandbox::User=root download binutils-aarch64-linux-gnu
dpkg-deb --fsys-tarfile systemd-boot-efi_*_arm64.deb | tar -xO ./usr/lib/systemd/boot/efi/linuxaa64.efi.stub >"$folder/linuxaa64.efi.stub"
dpkg-deb --fsys-tarfile busybox-static_*_arm64.deb | tar -xO ./bin/busybox >"$folder/busybox"; chmod 755 "$folder/busybox"
mkdir -p "$folder/root"; dpkg-deb --fsys-tarfile "$kernel"_*.deb | tar -x -C "$folder/root" --wildcards './boot/vmlinuz-*' \
  '*/drivers/virtio/*' '*/virtio_net.ko*' '*failover.ko*'
mkdir -p "$folder/tools"; dpkg-deb -x binutils-aarch64-linux-gnu_*.deb "$folder/tools"
rm -r "$folder/packages" "$apt"
