/* Asks the daemon: the lines of the standard input go to it, its answers to the standard output.
 *
 *   ask SOCKET < QUESTIONS */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[512];
    if (count != 2 || strlen(arguments[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: ask SOCKET < QUESTIONS\n");
        return 2;
    }
    strcpy(address.sun_path, arguments[1]);
    const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        perror(arguments[1]);
        return 1;
    }
    FILE *in = fdopen(dup(connection), "r");
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (write(connection, line, strlen(line)) < 0 || fgets(line, sizeof line, in) == NULL) {
            fprintf(stderr, "ask: the daemon has gone\n");
            return 1;
        }
        fputs(line, stdout);
    }
    return 0;
}
