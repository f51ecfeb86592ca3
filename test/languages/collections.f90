! Check that allocatable arrays, derived types with pointers, and sorting in Fortran give the same in every tier.
module lists
  implicit none
  type :: node
    integer :: key
    type(node), pointer :: left => null(), right => null()
  end type
contains
  recursive subroutine insert(tree, key)
    type(node), pointer, intent(inout) :: tree
    integer, intent(in) :: key
    if (.not. associated(tree)) then
      allocate(tree)
      tree%key = key
    else if (key < tree%key) then
      call insert(tree%left, key)
    else if (key > tree%key) then
      call insert(tree%right, key)
    end if
  end subroutine
  recursive integer function depth(tree) result(levels)
    type(node), pointer, intent(in) :: tree
    levels = 0
    if (associated(tree)) levels = 1 + max(depth(tree%left), depth(tree%right))
  end function
  recursive subroutine fill(tree, keys, count)
    type(node), pointer, intent(in) :: tree
    integer, intent(inout) :: keys(:), count
    if (.not. associated(tree)) return
    call fill(tree%left, keys, count)
    count = count + 1
    keys(count) = tree%key
    call fill(tree%right, keys, count)
  end subroutine
  recursive subroutine quicksort(a)
    real(8), intent(inout) :: a(:)
    real(8) :: pivot, swap
    integer :: i, j
    if (size(a) < 2) return
    pivot = a(size(a) / 2 + 1)
    i = 1; j = size(a)
    do
      do while (a(i) < pivot); i = i + 1; end do
      do while (a(j) > pivot); j = j - 1; end do
      if (i >= j) exit
      swap = a(i); a(i) = a(j); a(j) = swap
      i = i + 1; j = j - 1
    end do
    call quicksort(a(:i-1)); call quicksort(a(j+1:))
  end subroutine
end module
program collections
  use lists
  implicit none
  type(node), pointer :: tree => null()
  integer :: i, count, keys(600)
  integer(8) :: seed
  real(8), allocatable :: values(:), grown(:)
  seed = 7
  do i = 1, 500
    seed = mod(seed * 1103515245_8 + 12345_8, 2147483648_8)
    call insert(tree, int(mod(seed / 65536, 1000_8)))
  end do
  count = 0
  call fill(tree, keys, count)
  print *, depth(tree), count, sum(keys(:count)), keys(1:5)
  allocate(values(0))
  do i = 1, 200
    grown = [values, real(mod(i * 7919, 1009), 8) / 8]
    call move_alloc(grown, values)
  end do
  call quicksort(values)
  print '(5f10.4)', values(1:10)
  print *, all(values(2:) >= values(:199)), count_of(values)
contains
  integer function count_of(a)
    real(8), intent(in) :: a(:)
    count_of = size(pack(a, a > 50 .and. a < 100))
  end function
end program
