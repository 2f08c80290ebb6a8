# Gathers in a directory what the image holds: Node, the shared libraries that it and the native packages load, and the
# application without what only people and compilers read. No shell, no package manager, no setuid program.
# Usage, in the stage that has all of it: sh root-filesystem.sh DIRECTORY
set -eu
root=$1
mkdir -p "$root"

# Prebuilt for Node versions with another ABI, and for musl: the loader takes the Node-API build for glibc.
find /app/node_modules/@lmdb -name 'node.*.node' ! -name 'node.napi.glibc.node' -delete
find /app -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
find /app/node_modules/lmdb/dependencies -type f ! -name 'LICENSE*' ! -name 'COPYRIGHT*' -delete
rm -f /app/node_modules/.package-lock.json /app/package-lock.json /app/.npmrc

cp -R --parents /app "$root"
cp -R --parents /etc/keyferry "$root"
cp --parents /usr/local/bin/node "$root"
[ ! -f /usr/local/LICENSE ] || cp -L --parents /usr/local/LICENSE "$root"

# ldd tells paths as "name => path (address)", and the loader as "path (address)".
find /app/node_modules -name '*.node' -exec ldd {} + > /tmp/libraries
ldd /usr/local/bin/node >> /tmp/libraries
sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' /tmp/libraries | sort -u | while read -r library; do
  cp -L --parents "$library" "$root"
  # Scanners know Debian's packages by these files, and their licences want to be told.
  package=$(dpkg -S "*/${library##*/}" | sed -n '1s/: .*//p')
  name=${package%%:*}
  mkdir -p "$root/var/lib/dpkg/status.d" "$root/usr/share/doc/$name"
  dpkg-query -s "$package" > "$root/var/lib/dpkg/status.d/$name"
  cp -L "/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/"
done
cp --parents /etc/os-release "$root"

echo 'keyferry:x:1000:0:Keyferry:/var/lib/keyferry:/sbin/nologin' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"
# For `keyferry verify`, and whatever else needs a place for a moment.
mkdir -m 1777 "$root/tmp"
mkdir -p "$root/var/lib"
mkdir -m 0775 "$root/var/lib/keyferry"
