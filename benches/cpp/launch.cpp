// Launches an empty kernel again and again through XRT, beside what two threads take to wake each other once there and
// back. Prints nanoseconds: of a launch, and of a round trip.
//
//   launch XCLBIN COUNT

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

using Clock = std::chrono::steady_clock;

static double nanoseconds(Clock::time_point begin, int count) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / count;
}

static void wait_for(std::atomic<int>& turn, int mine) {
  for (int seen; (seen = turn.load()) != mine;)
    syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

static void pass_to(std::atomic<int>& turn, int other) {
  turn.store(other);
  syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

static double round_trip(int count) {
  std::atomic<int> turn{0};
  std::thread other([&] {
    for (int i = 0; i < count; ++i) {
      wait_for(turn, 1);
      pass_to(turn, 0);
    }
  });
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i) {
    pass_to(turn, 1);
    wait_for(turn, 0);
  }
  const double one = nanoseconds(begin, count);
  other.join();
  return one;
}

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  const int count = std::atoi(argv[2]);
  xrt::device device(0);
  xrt::kernel empty(device, device.load_xclbin(argv[1]), "empty");
  xrt::run run(empty);
  const auto launch = [&] {
    run.start();
    return run.wait() == ERT_CMD_STATE_COMPLETED;
  };
  for (int i = 0; i < 100; ++i)
    if (!launch()) return EXIT_FAILURE;
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i)
    if (!launch()) return EXIT_FAILURE;
  const double one = nanoseconds(begin, count);
  std::printf("%f %f\n", one, round_trip(count));
}
